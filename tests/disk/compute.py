# SPDX-License-Identifier: Apache-2.0
"""A computation for a guest's Python whose result is the same on every right processor."""
import decimal
import hashlib
import json
import math
import random
import re
import zlib

text = "".join(f"{i * i % 9973}," for i in range(200000))
print("=sha256", hashlib.sha256(text.encode()).hexdigest())
print("=sha1", hashlib.sha1(text.encode()).hexdigest())
print("=md5", hashlib.md5(text.encode()).hexdigest())
print("=blake2b", hashlib.blake2b(text.encode(), digest_size=16).hexdigest())
print("=crc32", zlib.crc32(text.encode()), zlib.adler32(text.encode()))
packed = zlib.compress(text.encode(), 9)
print("=zlib", len(packed), zlib.decompress(packed).decode() == text)
print("=power", pow(3, 10**6 + 3, 10**40 + 1), math.factorial(400) % (10**18 + 9))
decimal.getcontext().prec = 60
print("=decimal", decimal.Decimal(2).sqrt(), decimal.Decimal(1) / 7)

draw = random.Random(20)
numbers = [draw.uniform(-1e6, 1e6) for _ in range(5000)]
print("=fsum", repr(math.fsum(numbers)), repr(sum(numbers)))
print("=roots", repr(sum(math.sqrt(abs(x)) for x in numbers)), repr(sum(1.0 / x for x in numbers)))
print("=functions", *(repr(f(0.7)) for f in (math.sin, math.cos, math.tan, math.exp, math.log, math.atan, math.gamma)))
print("=powers", repr(1.1 ** 123.4), repr(math.hypot(3e200, 4e200)), repr(math.fmod(1e22, 7.0)))
print("=edges", repr(5e-324 / 2), repr(1e308 * 10), repr(-0.0 + 0.0), repr(float("nan")), repr(2.5e-320 * 3.0))
print("=rounding", *(round(x + 0.5) for x in range(-4, 4)), *(repr(round(x, 1)) for x in (0.25, 0.35, 2.675)))
print("=conversions", int(1e18 + 0.0), int(-2.5e15), repr(float(2**53 + 1)), repr(float("1e-310")))
print("=regex", len(re.findall(r"(\d)(\d)\1\2,", text)), re.sub(r"\d{3,}", "#", text[:80]))
print("=json", hashlib.md5(json.dumps([{"n": x, "s": str(x)} for x in numbers]).encode()).hexdigest())
