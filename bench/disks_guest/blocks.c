/* SPDX-License-Identifier: Apache-2.0
 *
 * blocks DEVICE read|write BYTES-AT-ONCE REQUESTS THREADS [random]: moves data between a block device and memory past
 * the guest's cache, each thread with one request at a time, and says how long it took. What it writes is what it read
 * there before, so that an image can be used again. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int device;
static int writes, random_places;
static size_t size;
static long requests;
static uint64_t places;
static long next_request;

static uint64_t place_of(long n) {
  if (!random_places) return (uint64_t)n % places;
  uint64_t x = (uint64_t)n * 0x9e3779b97f4a7c15u;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 32;
  return x % places;
}

static void* work(void* unused) {
  (void)unused;
  void* buffer = NULL;
  if (posix_memalign(&buffer, 4096, size)) exit(2);
  memset(buffer, 0, size);
  if (writes && pread(device, buffer, size, 0) != (ssize_t)size) exit(3);
  for (;;) {
    const long n = __atomic_fetch_add(&next_request, 1, __ATOMIC_RELAXED);
    if (n >= requests) return NULL;
    const off_t at = (off_t)(place_of(n) * size);
    const ssize_t done = writes ? pwrite(device, buffer, size, at) : pread(device, buffer, size, at);
    if (done != (ssize_t)size) {
      perror("blocks");
      exit(4);
    }
  }
}

int main(int count, char** words) {
  if (count < 6) return 1;
  writes = words[2][0] == 'w';
  size = strtoul(words[3], NULL, 0);
  requests = strtol(words[4], NULL, 0);
  const int threads = atoi(words[5]);
  random_places = count > 6;
  device = open(words[1], O_RDWR | O_DIRECT);
  if (device < 0) {
    perror(words[1]);
    return 1;
  }
  places = (uint64_t)lseek(device, 0, SEEK_END) / size;
  if (places == 0 || threads < 1 || threads > 64) return 1;
  pthread_t started[64];
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  for (int i = 0; i < threads; ++i) pthread_create(&started[i], NULL, work, NULL);
  for (int i = 0; i < threads; ++i) pthread_join(started[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &b);
  printf("%.6f\n", (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
  return 0;
}
