--- Combinations of options, in scikit-learn's order: ParameterGrid and ParameterSampler.
--
--    lubdub.ParameterGrid { rate = { 0.2, 0.5 }, filters = { 16, 32 } }
--    --> { filters = 16, rate = 0.2 }, { filters = 16, rate = 0.5 }, { filters = 32, rate = 0.2 }, ...
-- @module lubdub.validation.grid
local blame = require "lubdub.blame"
local order = require "lubdub.order"
local random = require "lubdub.random"

local grid = {}

local function sorted_names(where, options)
  local names = {}
  for name in pairs(options) do
    if type(name) ~= "string" then
      blame("%s: expected { name = { values } }, or a list of such tables, got the key %s", where, tostring(name))
    end
    names[#names + 1] = name
  end
  return order.sort(names)
end

local function check_values(where, name, values)
  if type(values) ~= "table" then
    blame("%s: %s must be a list of values, got %s", where, name, type(values))
  end
  if #values == 0 then blame("%s: %s has no values", where, name) end
end

-- One table of lists, or a list of such tables.
local function tables_of(where, what)
  if type(what) ~= "table" then blame("%s: expected { name = { values } }, got %s", where, type(what)) end
  if #what > 0 then
    for i, part in ipairs(what) do
      if type(part) ~= "table" then blame("%s: part %d must be a table, got %s", where, i, type(part)) end
    end
    return what
  end
  return { what }
end

--- All combinations: names in the order of their letters, the last one changing fastest.
-- @function ParameterGrid
-- @tparam table what { name = { values } }, or a list of such tables, one grid behind the other
-- @treturn table a list of tables name = value
-- @usage
-- for _, params in ipairs(lubdub.ParameterGrid { rate = { 0.2, 0.5 }, filters = { 16, 32 } }) do
--   print(params.filters, params.rate)
-- end
function grid.ParameterGrid(what, where)
  where = where or "ParameterGrid"
  local list = {}
  for _, lists in ipairs(tables_of(where, what)) do
    local names = sorted_names(where, lists)
    for _, name in ipairs(names) do check_values(where, name, lists[name]) end
    local function extend(at, chosen)
      if at > #names then
        local copy = {}
        for name, value in pairs(chosen) do copy[name] = value end
        list[#list + 1] = copy
        return
      end
      for _, value in ipairs(lists[names[at]]) do
        chosen[names[at]] = value
        extend(at + 1, chosen)
      end
    end
    extend(1, {})
  end
  return list
end

-- So many of 1..n without repetition, as scikit-learn draws them.
local function without_replacement(rng, n, size)
  if size == n then
    local all = {}
    for i = 1, n do all[i] = i end
    return all
  end
  local share, drawn = size / n, {}
  if share > 0.01 and share < 0.99 then
    return table.move(rng:permutation(n), 1, size, 1, {})
  elseif share < 0.2 then
    local seen = {}
    while #drawn < size do
      local i = rng:randint(1, n)
      if not seen[i] then seen[i], drawn[#drawn + 1] = true, i end
    end
    return drawn
  end
  for i = 1, n do -- nearly all of them: a reservoir
    if i <= size then
      drawn[i] = i
    else
      local at = rng:randint(1, i)
      if at <= size then drawn[at] = i end
    end
  end
  return drawn
end

--- Some combinations at random: without repetition where all values are lists; a function of the generator is a
-- distribution, and then each combination is drawn anew.
-- @function ParameterSampler
-- @tparam table what { name = { values } or function(rng) }, or a list of such tables
-- @tparam integer n how many; where there are fewer, all of them
-- @param seed integer or RandomState
-- @treturn table a list of tables name = value
function grid.ParameterSampler(what, n, seed, where)
  where = where or "ParameterSampler"
  if math.type(n) ~= "integer" or n < 1 then blame("%s: n_iter must be a whole number from 1, got %s", where,
    tostring(n)) end
  local tables, all_lists = tables_of(where, what), true
  for _, lists in ipairs(tables) do
    for _, name in ipairs(sorted_names(where, lists)) do
      if type(lists[name]) == "function" then all_lists = false else check_values(where, name, lists[name]) end
    end
  end
  local rng = random.check(seed, where)
  local list = {}
  if all_lists then
    local all = grid.ParameterGrid(what, where)
    for i, at in ipairs(without_replacement(rng, #all, math.min(n, #all))) do list[i] = all[at] end
    return list
  end
  for i = 1, n do
    local lists = tables[rng:randint(1, #tables)]
    list[i] = {}
    for _, name in ipairs(sorted_names(where, lists)) do
      local values = lists[name]
      if type(values) == "function" then
        list[i][name] = values(rng)
      else
        list[i][name] = values[rng:randint(1, #values)]
      end
    end
  end
  return list
end

--- A combination in one line: "filters = 16, rate = 0.2".
-- @tparam table params
-- @treturn string
function grid.text(params)
  local names, parts = {}, {}
  for name in pairs(params) do names[#names + 1] = name end
  for i, name in ipairs(order.sort(names)) do
    local value = params[name]
    parts[i] = ("%s = %s"):format(name, math.type(value) == "float" and ("%.6g"):format(value) or tostring(value))
  end
  return table.concat(parts, ", ")
end

return grid
