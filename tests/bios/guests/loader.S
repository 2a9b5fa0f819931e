# A loader as DOS's: by INT 13h it asks for the drive's form, reads the sector behind it by cylinder, head and
# sector (0, 0, 2), one of the second track (0, 1, 1), and from hard disks one by its number (LBA 5000) with
# the extensions; prints the text that each begins with by INT 10h, writes one and reads it again.
.code16
.globl _start
.set buffer, 0x8000
_start:
  ljmp $0, $1f
1:
  xor %ax, %ax
  mov %ax, %ds
  mov %ax, %es
  mov %ax, %ss
  mov $0x7c00, %sp
  mov %dl, drive
  mov $3, %ax
  int $0x10
  xor %ah, %ah                # reset
  mov drive, %dl
  int $0x13
  jc failed
  mov $8, %ah                 # the drive's form
  mov drive, %dl
  xor %di, %di
  int $0x13
  jc failed
  mov %dh, heads
  and $0x3f, %cl
  mov %cl, sectors
  xor %ax, %ax
  mov %ax, %es
  mov $form, %si
  call print
  mov heads, %al
  inc %al
  call number
  mov $by, %si
  call print
  mov sectors, %al
  call number
  call line
  mov $0x0002, %cx            # cylinder 0, sector 2
  xor %dh, %dh
  mov $0x0201, %ax
  call transfer
  mov $0x0001, %cx            # head 1, sector 1
  mov $1, %dh
  mov $0x0201, %ax
  call transfer
  testb $0x80, drive
  jz 2f
  mov $0x41, %ah              # the extensions
  mov $0x55aa, %bx
  mov drive, %dl
  int $0x13
  jc failed
  cmp $0xaa55, %bx
  jne failed
  mov $packet, %si
  mov $0x42, %ah
  mov drive, %dl
  int $0x13
  jc failed
  mov $buffer, %si
  call print
  call line
2:
  movl $0x74697277, buffer    # "writ", "ten"
  movl $0x006e6574, buffer + 4
  mov $0x0003, %cx            # sector 3
  xor %dh, %dh
  mov drive, %dl
  mov $buffer, %bx
  mov $0x0301, %ax
  int $0x13
  jc failed
  movl $0, buffer
  mov $0x0003, %cx
  xor %dh, %dh
  mov $0x0201, %ax
  call transfer
  mov $done, %si
  call print
3:
  hlt
  jmp 3b
failed:
  mov $wrong, %si
  call print
  jmp 3b
transfer:
  mov drive, %dl
  mov $buffer, %bx
  int $0x13
  jc failed
  mov $buffer, %si
  call print
line:
  mov $newline, %si
print:
  lodsb
  test %al, %al
  jz 4f
  mov $0x0e, %ah
  mov $7, %bx
  int $0x10
  jmp print
number:                       # al, two digits
  aam
  add $0x3030, %ax
  push %ax
  mov %ah, %al
  mov $0x0e, %ah
  mov $7, %bx
  int $0x10
  pop %ax
  mov $0x0e, %ah
  int $0x10
4:
  ret
packet:
  .byte 16, 0, 1, 0
  .word buffer, 0
  .long 5000, 0
drive: .byte 0
heads: .byte 0
sectors: .byte 0
form: .asciz "heads "
by: .asciz ", sectors "
done: .asciz "done"
wrong: .asciz "wrong"
newline: .asciz "\r\n"
  .org 510
  .word 0xaa55
