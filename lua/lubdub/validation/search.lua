--- The best of several options, by cross-validation over the same folds.
--
--    local found = lubdub.grid_search {
--      grid = { filters = { 8, 16 }, rate = { 0.2, 0.5 } },
--      model = function(params) return new_model(params.filters, params.rate) end,
--      data = clips, features = mfcc, extract = { duration = 4 }, folds = 5, fit = { epochs = 50 }, seed = 1,
--    }
--    print(found)                         -- a table, the best first
--    found.best_params, found.best_score
--
-- The score of the best is too good, for it was chosen by it: `lubdub.cross_validate { search = { grid = ... }, ... }`
-- searches within each fold, on its training rows, and tells what that is worth.
-- @module lubdub.validation.search
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local Table = require "lubdub.table"
local cross = require "lubdub.validation.cross_validate"
local data = require "lubdub.validation.data"
local grid = require "lubdub.validation.grid"
local options = require "lubdub.options"
local progress = require "lubdub.progress"
local result = require "lubdub.validation.result"
local seeds = require "lubdub.seed"

local search = {}

local Search = { __name = "lubdub.Search" }
Search.__index = Search

function Search:__tostring()
  local lines = { ("%s: %d combinations, %d folds (%s), by %s, %s"):format(self.kind, #self.runs, self.n_splits,
    self.splitter, self.scoring, progress.duration(self.seconds)), tostring(self.table) }
  return table.concat(lines, "\n")
end

-- Scores are compared as scikit-learn ranks them: equal ones share the better rank, undefined ones come last.
local function rank(rows)
  table.sort(rows, function(a, b)
    local x, y = a.mean == a.mean and a.mean or -math.huge, b.mean == b.mean and b.mean or -math.huge
    if x ~= y then return x > y end
    return a.number < b.number
  end)
  for i, row in ipairs(rows) do
    row.rank = i > 1 and row.mean == rows[i - 1].mean and rows[i - 1].rank or i
  end
end

local function table_of(runs, scoring)
  local names, seen, rows = {}, {}, {}
  for i, run in ipairs(runs) do
    local mean, sd, low, high = result.interval(run.scores[scoring], 0.95)
    local row = { number = i, mean = mean, sd = sd, ["95 % low"] = low, ["95 % high"] = high, seconds = run.seconds }
    for name, value in pairs(run.params) do
      if not seen[name] then seen[name], names[#names + 1] = true, name end
      local kind = type(value)
      row[name] = (kind == "number" or kind == "string" or kind == "boolean") and value or tostring(value)
    end
    rows[i] = row
  end
  require("lubdub.order").sort(names)
  rank(rows)
  local columns = { "rank", table.unpack(names) }
  local formats = { seconds = "%.2f" }
  for _, name in ipairs { "mean", "sd", "95 % low", "95 % high" } do
    columns[#columns + 1], formats[name] = name, "%.3f"
  end
  columns[#columns + 1] = "seconds"
  return Table(columns, rows, { formats = formats }), rows[1].number
end

-- Names of params that would hide columns of the table.
local taken = { rank = true, mean = true, sd = true, seconds = true, number = true }

local function check_names(where, list)
  for _, params in ipairs(list) do
    for name in pairs(params) do
      if taken[name] then blame("%s: %s cannot be the name of an option; the table has a column of that name", where,
        name) end
    end
  end
end

-- All combinations over given folds.
local function run(kind, problem, o, parts, splitter, list, scoring, tick)
  local started, runs = core.clock(), {}
  for i, params in ipairs(list) do
    local all = {}
    for name, value in pairs(o.params) do all[name] = value end
    for name, value in pairs(params) do all[name] = value end
    runs[i] = cross.run(problem, o, parts, splitter, all, tick)
    runs[i].params = params
  end
  local found, best = table_of(runs, scoring)
  return setmetatable({ kind = kind, runs = runs, table = found, best = runs[best], best_params = runs[best].params,
    best_score = (result.interval(runs[best].scores[scoring], 0.95)), best_index = best, scoring = scoring,
    n_splits = #parts, splitter = splitter, seconds = core.clock() - started }, Search)
end

local function read_scoring(where, o)
  if o.scoring == nil then return o.scores[1].name end
  for _, score in ipairs(o.scores) do
    if score.name == o.scoring then return o.scoring end
  end
  local own = type(o.scoring) == "string" and require("lubdub.validation.scores").read(where, o.scoring)
  if not own then blame("%s: scoring must be the name of a metric, got %s", where, type(o.scoring)) end
  table.insert(o.scores, own[1])
  return o.scoring
end

local function combinations(where, o, seed)
  local list
  if o.distributions then
    list = grid.ParameterSampler(o.distributions, o.n_iter or 10, seed, where)
  elseif o.grid then
    list = o.n_iter and grid.ParameterSampler(o.grid, o.n_iter, seed, where) or grid.ParameterGrid(o.grid, where)
  else
    blame("%s: say what to try: grid = { name = { values } }", where)
  end
  check_names(where, list)
  return list
end

local function searcher(where, more)
  local known = { scoring = options.none, grid = options.none }
  for name, default in pairs(cross.known) do known[name] = default end
  for name, default in pairs(more) do known[name] = default end
  known.search = nil
  return function(given)
    local o = cross.check(where, options.read(where, given, known))
    local scoring = read_scoring(where, o)
    local list = combinations(where, o, o.seed)
    local problem = data.read(where, o)
    local parts, splitter = data.folds(where, problem, o.folds, o.seed)
    local total, done = #list * #parts, 0
    local bar = o.progress and progress.bar { label = "search", total = total, unit = "fit" }
    local found = run(where, problem, o, parts, splitter, list, scoring, function()
      done = done + 1
      if bar then bar:update(done) end
    end)
    if bar then bar:clear() end
    return found
  end
end

--- All combinations of a grid, in scikit-learn's order.
-- @function grid_search
-- @tparam table given `grid`: { name = { values } } or a list of such; `scoring`: the metric that decides (default: the
-- first of `metrics`); and the options of `lubdub.cross_validate`, whose `model` is given the combination
-- @treturn lubdub.Search table, best_params, best_score, best (the cross-validation of the best), runs; it prints
-- @usage
-- local found = lubdub.grid_search {
--   grid = { units = { 4, 8 } }, seed = 1, progress = false,
--   x = x, y = y, folds = 3, fit = { epochs = 2, verbose = 0 },
--   model = function(params)
--     local layers = lubdub.layers
--     local net = lubdub.Sequential { layers.Flatten(), layers.Dense { units = params.units, activation = "relu" },
--       layers.Dense { units = 5, activation = "softmax" } }
--     net:compile { optimizer = "adam", loss = "categorical_crossentropy" }
--     return net
--   end,
-- }
-- print(found.best_params.units)
search.grid_search = searcher("grid_search", {})

--- Some combinations at random: those of scikit-learn's ParameterSampler for the same seed.
-- @function random_search
-- @tparam table given `distributions`: { name = { values } or function(rng) }; `n_iter` (10); and as in grid_search
-- @treturn lubdub.Search
-- @usage
-- local found = lubdub.random_search {
--   distributions = { units = { 2, 4, 8, 16 } }, n_iter = 2,
--   x = x, y = y, folds = 3, fit = { epochs = 2, verbose = 0 }, seed = 1, progress = false,
--   model = function(params)
--     local layers = lubdub.layers
--     local net = lubdub.Sequential { layers.Flatten(), layers.Dense { units = params.units, activation = "relu" },
--       layers.Dense { units = 5, activation = "softmax" } }
--     net:compile { optimizer = "adam", loss = "categorical_crossentropy" }
--     return net
--   end,
-- }
-- print(found)
search.random_search = searcher("random_search", { distributions = options.none, n_iter = 10 })

--- The search within a fold, from the option `search` of cross_validate.
-- @treturn function of problem, options, training rows, fold, params that gives { params, search }
function search.inner(where, given)
  where = where .. ": search"
  local s = options.read(where, given, { grid = options.none, distributions = options.none, n_iter = options.none,
    scoring = options.none, folds = 3 })
  combinations(where, s, 0)
  return function(problem, o, train, k, params)
    local inside = {}
    for name, value in pairs(o) do inside[name] = value end
    inside.search, inside.keep_models, inside.scoring = nil, false, s.scoring
    inside.params, inside.scores = params, table.move(o.scores, 1, #o.scores, 1, {})
    inside.seed = seeds.mix(o.seed, k)
    local scoring = read_scoring(where, inside)
    local part = data.take(problem, train)
    local parts, splitter = data.folds(where, part, s.folds, inside.seed)
    local found = run("search", part, inside, parts, splitter, combinations(where, s, inside.seed), scoring)
    local all = {}
    for name, value in pairs(params) do all[name] = value end
    for name, value in pairs(found.best_params) do all[name] = value end
    return { params = all, search = found }
  end
end

return search
