--- Tensors as one would write them first: a list of numbers and its shape, no views. The oracle of the random tests.
-- Every operation is exact, or made in double, and then rounded to float32.
local Plain = {}
Plain.__index = Plain

local function size_of(shape)
  local size = 1
  for _, n in ipairs(shape) do size = size * n end
  return size
end

--- The float32 nearest to x.
function Plain.round(x)
  return (string.unpack("<f", string.pack("<f", x)))
end

--- A tensor of this shape whose element is f(index, position); index counts from 1 along each axis.
function Plain.new(shape, f)
  local t = setmetatable({ shape = shape, values = {} }, Plain)
  local index = {}
  for axis = 1, #shape do index[axis] = 1 end
  for position = 1, size_of(shape) do
    t.values[position] = Plain.round(f(index, position))
    for axis = #shape, 1, -1 do
      index[axis] = index[axis] + 1
      if index[axis] <= shape[axis] then break end
      index[axis] = 1
    end
  end
  return t
end

--- The element at an index, which is stretched along axes of size 1 and may have more axes in front.
function Plain:at(index)
  local position, shift = 0, #index - #self.shape
  for axis, n in ipairs(self.shape) do
    position = position * n + (n == 1 and 0 or index[axis + shift] - 1)
  end
  return self.values[position + 1]
end

--- The shape that two shapes broadcast to, or nil.
function Plain.both(a, b)
  local shape, ndim = {}, math.max(#a, #b)
  for i = 0, ndim - 1 do
    local m, n = a[#a - i] or 1, b[#b - i] or 1
    if m ~= n and m ~= 1 and n ~= 1 then return nil end
    shape[ndim - i] = m == 1 and n or m
  end
  return shape
end

function Plain.binary(a, b, f)
  return Plain.new(Plain.both(a.shape, b.shape), function(index) return f(a:at(index), b:at(index)) end)
end

--- Folds axis `axis`: f(list of its elements) for each place along the others.
function Plain:reduce(axis, f)
  local shape = table.move(self.shape, 1, #self.shape, 1, {})
  table.remove(shape, axis)
  return Plain.new(shape, function(index)
    local elements, full = {}, table.move(index, 1, #index, 1, {})
    table.insert(full, axis, 1)
    for i = 1, self.shape[axis] do
      full[axis] = i
      elements[i] = self:at(full)
    end
    return f(elements)
  end)
end

function Plain:permute(axes)
  local shape = {}
  for i, axis in ipairs(axes) do shape[i] = self.shape[axis] end
  return Plain.new(shape, function(index)
    local from = {}
    for i, axis in ipairs(axes) do from[axis] = index[i] end
    return self:at(from)
  end)
end

--- The elements of an axis at `places` (a list of indices).
function Plain:pick(axis, places)
  local shape = table.move(self.shape, 1, #self.shape, 1, {})
  shape[axis] = #places
  return Plain.new(shape, function(index)
    local from = table.move(index, 1, #index, 1, {})
    from[axis] = places[index[axis]]
    return self:at(from)
  end)
end

--- self . other for tensors of at least two dimensions.
function Plain:matmul(other)
  local a, b = self.shape, other.shape
  local shape = Plain.both(table.move(a, 1, #a - 2, 1, {}), table.move(b, 1, #b - 2, 1, {}))
  shape[#shape + 1], shape[#shape + 2] = a[#a - 1], b[#b]
  return Plain.new(shape, function(index)
    local sum, n = 0, #index
    local left, right = table.move(index, 1, n, 1, {}), table.move(index, 1, n, 1, {})
    for k = 1, a[#a] do
      left[n], right[n - 1] = k, k
      sum = sum + self:at(left) * other:at(right)
    end
    return sum
  end)
end

return Plain
