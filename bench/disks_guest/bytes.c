/* SPDX-License-Identifier: Apache-2.0
 *
 * bytes ADDRESS PORT get|put: 256 MiB from a server, or to it, and how long that took. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char buffer[65536];

int main(int count, char** words) {
  if (count != 4) return 1;
  const int s = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(words[2]))};
  inet_pton(AF_INET, words[1], &to.sin_addr);
  if (connect(s, (struct sockaddr*)&to, sizeof to) != 0) {
    perror("connect");
    return 1;
  }
  const long size = 256L << 20;
  const int get = words[3][0] == 'g';
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  if (write(s, get ? "g" : "p", 1) != 1) return 2;
  for (long left = size; left > 0;) {
    const size_t part = left < (long)sizeof buffer ? (size_t)left : sizeof buffer;
    const ssize_t n = get ? read(s, buffer, part) : write(s, buffer, part);
    if (n <= 0) {
      perror("bytes");
      return 3;
    }
    left -= n;
  }
  if (!get && read(s, buffer, 1) != 1) return 4; /* the server has it all */
  clock_gettime(CLOCK_MONOTONIC, &b);
  printf("%.6f\n", (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
  return 0;
}
