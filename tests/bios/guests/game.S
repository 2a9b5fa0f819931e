# A game of a boot sector: a player in the last line of the text screen, moved by the arrow keys of INT 16h,
# catches what falls a line each other tick of INT 1Ch; Escape ends it, with the score by INT 10h.
.code16
.globl _start
.set ticks, 0x7000
.set column, 0x7002
.set fall, 0x7004             # its place in text memory
.set score, 0x7006
_start:
  ljmp $0, $1f
1:
  xor %ax, %ax
  mov %ax, %ds
  mov %ax, %ss
  mov $0x7c00, %sp
  mov $3, %ax
  int $0x10
  mov $0xb800, %ax
  mov %ax, %es
  movw $0, ticks
  movw $40, column
  movw $0, score
  cli
  movw $tick, 0x1c * 4
  movw $0, 0x1c * 4 + 2
  sti
again:
  movw $88, fall              # column 44, line 0
round:
  mov column, %bx
  shl $1, %bx
  movw $0x0f40, %es:24*160(%bx)   # '@'
  mov fall, %di
  movw $0x0e2a, %es:(%di)     # '*'
wait:
  hlt
  mov $1, %ah
  int $0x16
  jz no_key
  xor %ah, %ah
  int $0x16
  cmp $1, %ah
  je over
  mov column, %bx
  shl $1, %bx
  movw $0x0720, %es:24*160(%bx)
  cmp $0x4b, %ah
  jne 2f
  decw column
2:
  cmp $0x4d, %ah
  jne 3f
  incw column
3:
  jmp round
no_key:
  cmpw $2, ticks
  jb wait
  movw $0, ticks
  mov fall, %di
  movw $0x0720, %es:(%di)
  add $160, %di
  mov %di, fall
  cmp $24*160, %di
  jb round
  sub $24*160, %di
  shr $1, %di
  cmp column, %di
  jne again
  incw score
  jmp again
over:
  mov $0x0200, %ax            # the cursor to line 12, column 30
  xor %bh, %bh
  mov $0x0c1e, %dx
  int $0x10
  mov $text, %si
4:
  lodsb
  test %al, %al
  jz 5f
  mov $0x0e, %ah
  mov $7, %bx
  int $0x10
  jmp 4b
5:
  mov score, %ax
  add $'0', %al
  mov $0x0e, %ah
  int $0x10
6:
  hlt
  jmp 6b
tick:
  incw %cs:ticks
  iret
text:
  .asciz "Score: "
  .org 510
  .word 0xaa55
