--- What every splitter is: options, a name, `split` as an iterator of train and test positions.
-- @module lubdub.split.splitter
local object = require "lubdub.dataset.object"
local options = require "lubdub.options"
local blame = require "lubdub.blame"

local splitter = {}

--- How many rows a splitter's first argument stands for: an integer, or anything with a length.
-- @tparam string where for messages
-- @param rows integer, list, data set, tensor; nil where the groups say it
-- @tparam ?table groups
-- @treturn integer
function splitter.count(where, rows, groups)
  if rows == nil and groups then rows = groups end
  if math.type(rows) == "integer" and rows >= 0 then return rows end
  if type(rows) == "table" or type(rows) == "userdata" then return #rows end
  blame("%s: expected the labels or the number of rows, got %s", where,
    type(rows) == "number" and tostring(rows) or type(rows))
end

--- Parts 1..n into the places of a list and the others, both ascending.
-- @tparam table place a list of the fold of each row
-- @param wanted the fold that is test
-- @treturn table train
-- @treturn table test
function splitter.part(place, wanted)
  local train, test = {}, {}
  for i = 1, #place do
    local side = place[i] == wanted and test or train
    side[#side + 1] = i
  end
  return train, test
end

--- Makes a constructor.
-- @tparam string kind the class name
-- @tparam table defaults option = default
-- @tparam table class functions `check(self)` (optional), `n_splits(self, labels, groups)` and
-- `parts(self, labels, groups)`, which returns a function of the fold number that gives train, test; `needs`: what it
-- cannot do without, { labels = true, groups = true }
-- @treturn function of an options table
function splitter.define(kind, defaults, class)
  local names = {}
  for name in pairs(defaults) do names[#names + 1] = name end
  table.sort(names)

  local Splitter = { __name = "lubdub.split." .. kind }
  Splitter.__index = Splitter

  Splitter.needs = class.needs or {}

  -- Of a data set the labels and groups are its columns, and groups on both sides are warned of.
  local function of_dataset(self, clips, groups)
    local parts, k = require("lubdub.dataset.sides").folds(kind .. ":split", clips, self, nil, groups), 0
    return function()
      k = k + 1
      if parts[k] then return parts[k][1], parts[k][2] end
      return nil
    end
  end

  function Splitter:split(labels, groups)
    if object.is(labels) then return of_dataset(self, labels, groups) end
    local parts, n = class.parts(self, labels, groups)
    local fold = 0
    return function()
      if fold == n then return nil end
      fold = fold + 1
      return parts(fold)
    end
  end

  function Splitter:get_n_splits(labels, groups)
    if class.n_splits then return class.n_splits(self, labels, groups) end
    return self.n_splits
  end

  function Splitter:__tostring()
    local shown = {}
    for _, name in ipairs(names) do
      if self[name] ~= nil then shown[#shown + 1] = name .. " = " .. tostring(self[name]) end
    end
    return kind .. "(" .. table.concat(shown, ", ") .. ")"
  end

  return function(given)
    local self = setmetatable(options.read(kind, given, defaults), Splitter)
    if class.check then class.check(self) end
    return self
  end
end

--- Checks `n_splits`.
-- @tparam string kind
-- @param n
-- @tparam integer least
function splitter.check_n_splits(kind, n, least)
  if math.type(n) ~= "integer" or n < least then
    blame("%s: n_splits must be a whole number from %d, got %s", kind, least, n)
  end
end

return splitter
