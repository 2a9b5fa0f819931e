/* SPDX-License-Identifier: Apache-2.0
 *
 * A computation for a guest whose result is the same on every right processor: integer arithmetic of all widths,
 * division, bit operations, recursion, sorting with callbacks, single and double precision. Compiled with
 * -ffp-contract=off, so that no compiler fuses a multiplication with an addition.
 */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kCount = 200000 };

static uint64_t state = 0x6d796e6168;

static uint64_t next_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static uint64_t mix(uint64_t sum, uint64_t value) {
  sum = (sum ^ value) * 0x100000001b3u;
  return (sum << 29) | (sum >> 35);
}

// The upper half of a product.
static uint64_t multiply_high(uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
  return (uint64_t)((unsigned __int128)a * b >> 64);
#else
  const uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
  const uint64_t middle = ah * bl + (al * bl >> 32), other = al * bh + (uint32_t)middle;
  return ah * bh + (middle >> 32) + (other >> 32);
#endif
}

static int by_value(const void* a, const void* b) {
  const uint64_t x = *(const uint64_t*)a, y = *(const uint64_t*)b;
  return x < y ? -1 : x > y;
}

static unsigned ackermann(unsigned m, unsigned n) {
  return m == 0 ? n + 1 : ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

int main(void) {
  uint64_t integers = 0xcbf29ce484222325u;
  for (int i = 0; i < kCount; i++) {
    const uint64_t a = next_random(), b = next_random() | 1;
    integers = mix(integers, a / b + a % (b >> 40 | 1));
    integers = mix(integers, (uint64_t)((int64_t)a / (int32_t)(b | 2)));
    integers = mix(integers, multiply_high(a, b));
    integers = mix(integers, (uint8_t)a * (uint16_t)b + __builtin_popcountll(a) * __builtin_clzll(b));
  }

  uint64_t* values = malloc(kCount * sizeof *values);
  for (int i = 0; i < kCount; i++) values[i] = next_random();
  qsort(values, kCount, sizeof *values, by_value);
  uint64_t sorted = 0;
  for (int i = 0; i < kCount; i++) sorted = mix(sorted, values[i]);
  free(values);

  double sum = 0, product = 1;
  float single = 0;
  for (int i = 1; i <= kCount; i++) {
    const double x = (double)(next_random() >> 11) / 9007199254740992.0;
    sum += sqrt(x) / i - x * x;
    product = product * (1.0 + (x - 0.5) / i);
    single = single * 0.99f + (float)x / (float)i;
  }

  char text[64];
  snprintf(text, sizeof text, "%.17g %s", product, strstr("a stored program", "program"));
  uint64_t letters = 0;
  for (const char* c = text; *c; c++) letters = mix(letters, (unsigned char)*c);

  printf("=integers %016" PRIx64 "\n", integers);
  printf("=sorted %016" PRIx64 "\n", sorted);
  printf("=double %a %a\n", sum, product);
  printf("=single %a\n", (double)single);
  printf("=text %016" PRIx64 "\n", letters);
  printf("=ackermann %u\n", ackermann(2, 2000));
  return 0;
}
