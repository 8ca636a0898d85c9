--- What stands on two sides of a split: groups (patients) and recordings.
-- @module lubdub.report.leaks
local leaks = {}

-- How many distinct values of a column two parts have, and how many both.
local function overlap(a, b, name)
  local sides, both, all = {}, 0, 0
  for side, rows in ipairs { a, b } do
    for _, clip in rows:iter() do
      local value = clip[name]
      if value ~= nil then
        local before = sides[value]
        if not before then all = all + 1 end
        if before == 1 and side == 2 then both = both + 1 end
        sides[value] = before == 1 and side == 2 and 3 or before or side
      end
    end
  end
  return both, all
end

--- "groups (patient)", or "groups" where that is the column's name.
function leaks.words(name)
  return (name == "group" or name == "groups") and "groups" or ("groups (%s)"):format(name)
end

local function pair(a, b, name, what)
  local both, all = overlap(a.rows, b.rows, name)
  if all == 0 then return nil end
  local text = "%s and %s share none of %d %s."
  if both > 0 then text = "%s and %s share %d of %d %s: the " .. b.name .. " looks better than it is." end
  local counts = both > 0 and { both, all } or { all }
  counts[#counts + 1] = what
  return { bad = both > 0, text = text:format(a.name, b.name, table.unpack(counts)) }
end

-- The group of each row of a cross-validation's data, rows that no fold tested included.
local function group_of_rows(e)
  if e.cv.groups then return e.cv.groups end
  local group = {}
  if e.cv.data then
    for i, clip in e.cv.data:iter() do group[i] = clip[e.group_name] end
  end
  return group
end

-- Folds: how many groups are tested by a fold that was trained on them.
local function of_folds(e)
  if not e.groups then
    return { { unknown = true, text = "The rows name no groups (patients), so nobody can say whether one was on both "
      .. "sides of a fold." } }
  end
  local group, tested, shared, count, all = group_of_rows(e), {}, {}, 0, 0
  for _, fold in ipairs(e.folds) do
    local trained = {}
    for _, i in ipairs(fold.train) do
      if group[i] ~= nil then trained[group[i]] = true end
    end
    for _, i in ipairs(fold.test) do
      local name = group[i]
      if name ~= nil and not tested[name] then tested[name], all = true, all + 1 end
      if name ~= nil and trained[name] and not shared[name] then shared[name], count = true, count + 1 end
    end
  end
  return { { bad = count > 0, text = count > 0
    and ("%d of %d %s are on both sides of a fold: it was trained on them when it was tested, and the test looks "
      .. "better than it is."):format(count, all, leaks.words(e.group_name))
    or ("None of %d %s is on both sides of a fold."):format(all, leaks.words(e.group_name)) } }
end

--- @tparam table e evidence
-- @treturn table list of { text =, bad = true | unknown = true }
function leaks.of(e)
  if e.kind == "folds" then return of_folds(e) end
  local by_name, found = {}, {}
  for _, part in ipairs(e.parts) do by_name[part.name] = part end
  if not (by_name.train and by_name.test) then
    return { { unknown = true, text = "The training rows were not handed over (option train), so nobody can say "
      .. "whether a patient or a recording is on both sides." } }
  end
  local name = by_name.test.rows:group_column() or by_name.train.rows:group_column()
  if not name then
    found[1] = { unknown = true, text = "The rows name no groups (columns group, patient or recording), so nobody can "
      .. "say whether a patient is on both sides." }
  end
  for _, sides in ipairs { { "train", "test" }, { "validation", "test" }, { "train", "validation" } } do
    local a, b = by_name[sides[1]], by_name[sides[2]]
    if a and b then
      if name then found[#found + 1] = pair(a, b, name, leaks.words(name)) end
      local paths = pair(a, b, "path", "recordings")
      if paths and paths.bad then found[#found + 1] = paths end
    end
  end
  return found
end

return leaks
