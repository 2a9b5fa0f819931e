# Boot sector: makes a video mode by the BIOS (MODE, of INT 10h; from 0x100 on of VBE) and writes a pattern to
# what is at 0xa0000 or 0xb8000, without a cursor.
.code16
.globl _start
_start:
  ljmp $0, $1f
1:
  xor %ax, %ax
  mov %ax, %ds
  mov %ax, %ss
  mov $0x7c00, %sp
.if MODE >= 0x100
  mov $0x4f02, %ax
  mov $MODE, %bx
.else
  mov $MODE, %ax
.endif
  int $0x10
.if MODE < 4
  mov $0x0103, %ax            # the cursor's form: none
  mov $0x2000, %cx
  mov $1, %ah
  int $0x10
  mov $0xb800, %ax
  mov %ax, %es
  xor %di, %di
  xor %ax, %ax
  mov $2000, %cx
2:
  stosw                       # characters up, colors by another step
  inc %al
  add $3, %ah
  and $0x7f, %ah
  loop 2b
.else
  mov $0xa000, %ax
  mov %ax, %es
.if MODE == 0x12
  mov $0x3c4, %dx
  mov $1, %bl                 # each plane in turn
2:
  mov $2, %al
  mov %bl, %ah
  out %ax, %dx
  xor %di, %di
  mov $38400, %cx
3:
  mov %di, %ax
  mul %bx
  shr $3, %ax
  stosb
  loop 3b
  shl $1, %bl
  cmp $16, %bl
  jne 2b
.else
  xor %di, %di                # 64 KiB
  mov $7, %bx
2:
  mov %di, %ax
  shr $1, %ax
  mul %bx
  stosw
  test %di, %di
  jnz 2b
.endif
.endif
  movw $0x600d, 0x7000        # done
4:
  hlt
  jmp 4b
  .org 510
  .word 0xaa55
