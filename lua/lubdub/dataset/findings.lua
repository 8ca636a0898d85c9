--- What a loader found when it looked into its folder, kept beside the data set for `check`.
-- @module lubdub.dataset.findings
local warning = require "lubdub.warning"

local findings = {}

local of = setmetatable({}, { __mode = "k" })
local nothing = {}

--- An empty list of findings.
-- @tparam string source what looked, for messages: "datasets.circor2022: folder"
-- @treturn table with note(problem, name)
function findings.new(source)
  local self = { source = source }
  local by_name = {}
  function self.note(problem, name)
    local entry = by_name[problem]
    if not entry then
      entry = { problem = problem, names = {} }
      by_name[problem], self[#self + 1] = entry, entry
    end
    entry.names[#entry.names + 1] = name
  end
  return self
end

--- Keeps them with a data set, and warns in one line where something was found.
-- @tparam Dataset clips
-- @tparam table found
-- @tparam ?boolean quiet no warning: the loader has said it
-- @treturn Dataset the same
function findings.keep(clips, found, quiet)
  of[clips] = found
  if #found > 0 and not quiet then
    local parts = {}
    for i, entry in ipairs(found) do
      parts[i] = ("%s: %d (%s%s)"):format(entry.problem, #entry.names, entry.names[1],
        #entry.names > 1 and ", ..." or "")
    end
    warning.warn(("%s: %s; clips:check() lists them"):format(found.source, table.concat(parts, "; ")))
  end
  return clips
end

--- What was kept with a data set.
-- @treturn table a list, perhaps empty; `source`, and `samplerate`: a number or a function of a row, where it is known
function findings.of(clips) return of[clips] or nothing end

return findings
