# As programs for the 286 did it: to protected mode by LMSW, back by a reset, with CMOS's shutdown byte saying
# where to go on. First INT 15h, AH=87h, where the BIOS goes there by itself; then 0Ah (a jump, the reset by a
# triple fault); then 05h (the same behind an end of interrupt, the reset by the keyboard controller).
.code16
.globl _start
.set stage, 0x7000
.set seen, 0x7010               # in protected mode: whether PE is set
.set done, 0x7020
_start:
  ljmp $0, $1f
1:
  xor %ax, %ax
  mov %ax, %ds
  mov %ax, %es
  mov %ax, %ss
  mov $0x7c00, %sp
  mov $3, %ax
  int $0x10
  movw $0, stage
  mov $real, %si
  call print
  mov $moves, %si             # to 0x9000
  mov $4, %cx
  mov $0x87, %ah
  int $0x15
  jc 6f
  cmpw $0x6f6d, 0x9000
  jne 6f
  mov $moved, %si
  call print
6:
  mov $0x0a, %al
  jmp go
# --- protected mode
protected:
  mov $8, %ax
  mov %ax, %ds
  mov $0x18, %ax              # video memory
  mov %ax, %es
  smsw %ax
  and $1, %al
  add $'0', %al
  mov $0x1f, %ah
  mov %ax, %es:24*160
  mov stage, %bx
  shl $1, %bx
  mov %ax, seen(%bx)
  incw stage
  cmpw $1, stage
  jne by_controller
  lidt none                   # no exception can be delivered
  int3
by_controller:
  in $0x64, %al
  test $2, %al
  jnz by_controller
  mov $0xfe, %al
  out %al, $0x64
5:
  hlt
  jmp 5b
# --- the shutdown byte is al; does not come back
go:
  cli
  mov %al, %ah
  mov $0x8f, %al
  out %al, $0x70
  mov %ah, %al
  out %al, $0x71
  movw $back, 0x467
  movw $0, 0x469
  lgdt table
  smsw %ax
  or $1, %al
  lmsw %ax
  ljmp $0x10, $protected
# --- behind a reset, in real mode again
back:
  xor %ax, %ax
  mov %ax, %ds
  mov %ax, %es
  mov %ax, %ss
  mov $0x7c00, %sp
  mov $5, %al
  cmpw $1, stage
  je go
  movw $0x600d, done
7:
  hlt
  jmp 7b
print:
  lodsb
  test %al, %al
  jz 8f
  mov $0x0e, %ah
  mov $7, %bx
  int $0x10
  jmp print
8:
  ret
  .balign 4
table:
  .word 31, gdt, 0
none:
  .word 0, 0, 0
gdt:
  .quad 0
  .word 0xffff, 0, 0x9200, 0
  .word 0xffff, 0, 0x9a00, 0
  .word 0xffff, 0x8000, 0x920b, 0
moves:                        # six descriptors; the third is the source, the fourth the target
  .quad 0, 0
  .word 0xffff, message, 0x9300, 0
  .word 0xffff, 0x9000, 0x9300, 0
  .quad 0, 0
message: .ascii "moved   "
real: .asciz "real "
moved: .asciz "moved "
  .org 510
  .word 0xaa55
