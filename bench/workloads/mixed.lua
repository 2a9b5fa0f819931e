-- Queens (integers and tables), binary trees (allocation), strings and closures.
local function queens(n, row, columns, up, down)
  if row > n then return 1 end
  local found = 0
  for c = 1, n do
    if not (columns[c] or up[row + c] or down[row - c + n]) then
      columns[c], up[row + c], down[row - c + n] = true, true, true
      found = found + queens(n, row + 1, columns, up, down)
      columns[c], up[row + c], down[row - c + n] = nil, nil, nil
    end
  end
  return found
end

local function tree(depth)
  if depth == 0 then return {} end
  return {tree(depth - 1), tree(depth - 1)}
end

local function count(node)
  return node[1] and 1 + count(node[1]) + count(node[2]) or 1
end

local parts, seed = {}, 42
for i = 1, 30000 do
  seed = (seed * 1103515245 + 12345) & 0x7fffffff
  parts[#parts + 1] = string.format("%x", seed >> 12):gsub("[a-c]", function(s) return s:upper() end)
end
table.sort(parts)
local text = table.concat(parts, ",")
local nodes = 0
for _ = 1, 10 do nodes = nodes + count(tree(12)) end
print(queens(8, 1, {}, {}, {}), nodes, #text, text:sub(1, 20), select(2, text:gsub("A%d", "")))
