// A program that rewrites its code: rewrite new ROUNDS (each version another one) | turn ROUNDS (two versions in
// turn) | beside ROUNDS (data next to the code that runs) | among ROUNDS (one of many functions of a page).
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef uint32_t (*function)(void);

enum { kPage = 4096, kFunctionBytes = 16 };

// return value;
static void write_function(uint8_t* at, uint32_t value) {
#if defined(__aarch64__)
  const uint32_t words[3] = {0x52800000 | (value & 0xffff) << 5, 0x72a00000 | (value >> 16) << 5, 0xd65f03c0};
#elif defined(__x86_64__) || defined(__i386__)
  uint8_t words[6] = {0xb8, 0, 0, 0, 0, 0xc3};
  memcpy(words + 1, &value, 4);
#else
#error "no code for this processor"
#endif
  memcpy(at, words, sizeof words);
  __builtin___clear_cache((char*)at, (char*)at + sizeof words);
}

static uint32_t call(const uint8_t* at) {
  function f;
  memcpy(&f, &at, sizeof f);
  return f();
}

int main(int argc, char** argv) {
  const long rounds = argc == 3 ? atol(argv[2]) : 0;
  const char* what = rounds > 0 ? argv[1] : "";
  uint8_t* page = mmap(NULL, kPage, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) {
    perror("mmap");
    return 1;
  }
  uint32_t sum = 0;
  if (!strcmp(what, "new") || !strcmp(what, "turn")) {
    const uint32_t mask = what[0] == 'n' ? UINT32_MAX : 1;
    for (long i = 0; i < rounds; i++) {
      write_function(page, (uint32_t)i & mask);
      sum = sum * 31 + call(page);
    }
  } else if (!strcmp(what, "beside")) {
    volatile uint32_t* data = (volatile uint32_t*)(page + kFunctionBytes);
    write_function(page, 7);
    for (long i = 0; i < rounds; i++) {
      *data += call(page);
      sum = sum * 31 + *data;
    }
  } else if (!strcmp(what, "among")) {
    for (int i = 0; i < kPage / kFunctionBytes; i++) write_function(page + i * kFunctionBytes, (uint32_t)i);
    for (long i = 0; i < rounds; i++) {
      const int n = (int)(i % (kPage / kFunctionBytes));
      write_function(page + n * kFunctionBytes, (uint32_t)i);
      sum = sum * 31 + call(page + n * kFunctionBytes) + call(page + (n ^ 1) * kFunctionBytes);
    }
  } else {
    fprintf(stderr, "usage: rewrite new ROUNDS | turn ROUNDS | beside ROUNDS | among ROUNDS\n");
    return 1;
  }
  printf("%08x\n", sum);
  return 0;
}
