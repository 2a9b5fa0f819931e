-- The C library's transcendental functions. Six digits: the last bit may differ between processors with and without
-- fused operations.
local sum = 0.0
for i = 1, 100000 do
  local x = i * 0.0004
  sum = sum + math.sin(x) * math.exp(-x * 0.1) + math.log(x + 1) * math.cos(3 * x) + math.atan(x, 2.0) - (x + 0.5) ^ 0.3
end
print(string.format("%.6f", sum))
