// Scalar floating point: float nbody STEPS | float mandelbrot SIZE. Prints exact bits, so compile without contraction.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t bits(double value) {
  uint64_t result;
  memcpy(&result, &value, sizeof result);
  return result;
}

struct body {
  double position[3], velocity[3], mass;
};

// A sun and four planets in made-up units; two neighbours attract each other with their masses over the distance
// squared.
static void nbody(long steps) {
  enum { kBodies = 5 };
  struct body bodies[kBodies] = {{{0, 0, 0}, {0, 0, 0}, 40.0}};
  for (int i = 1; i < kBodies; i++) {
    bodies[i] = (struct body){{5.0 * i, 0.3 * i, -0.1 * i}, {0.1, 2.5 / i, 0.05 * i}, 0.01 * i};
  }
  const double dt = 0.001;
  for (long step = 0; step < steps; step++) {
    for (int i = 0; i < kBodies; i++) {
      for (int j = i + 1; j < kBodies; j++) {
        double d[3], square = 0;
        for (int k = 0; k < 3; k++) {
          d[k] = bodies[i].position[k] - bodies[j].position[k];
          square += d[k] * d[k];
        }
        const double pull = dt / (square * sqrt(square));
        for (int k = 0; k < 3; k++) {
          bodies[i].velocity[k] -= d[k] * bodies[j].mass * pull;
          bodies[j].velocity[k] += d[k] * bodies[i].mass * pull;
        }
      }
    }
    for (int i = 0; i < kBodies; i++) {
      for (int k = 0; k < 3; k++) bodies[i].position[k] += dt * bodies[i].velocity[k];
    }
  }
  for (int i = 0; i < kBodies; i++) printf("%016llx\n", (unsigned long long)bits(bodies[i].position[0]));
}

static void mandelbrot(long size) {
  uint64_t sum = 0;
  for (long y = 0; y < size; y++) {
    for (long x = 0; x < size; x++) {
      const double cr = 3.0 * (double)x / (double)size - 2.0, ci = 2.0 * (double)y / (double)size - 1.0;
      double zr = 0, zi = 0;
      int n = 0;
      while (n < 100 && zr * zr + zi * zi < 4.0) {
        const double next = zr * zr - zi * zi + cr;
        zi = 2.0 * zr * zi + ci;
        zr = next;
        n++;
      }
      sum = sum * 31 + (uint64_t)n + bits(zr);
    }
  }
  printf("%016llx\n", (unsigned long long)sum);
}

int main(int argc, char** argv) {
  const long amount = argc == 3 ? atol(argv[2]) : 0;
  if (amount > 0 && !strcmp(argv[1], "nbody")) {
    nbody(amount);
  } else if (amount > 0 && !strcmp(argv[1], "mandelbrot")) {
    mandelbrot(amount);
  } else {
    fprintf(stderr, "usage: float nbody STEPS | mandelbrot SIZE\n");
    return 1;
  }
  return 0;
}
