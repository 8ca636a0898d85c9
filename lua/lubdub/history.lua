--- What a fit returns: `history.history.val_loss[epoch]`, `history.epoch`, `history.params`.
-- It is itself a callback, which fit adds behind the others; one among the others is used instead, and goes on
-- where it stands. It prints as a table of the best and the last epochs.
-- @module lubdub.history
local history = {}

local History = { __name = "lubdub.History", kind = "History" }
History.__index = History

--- A new, empty history.
-- @treturn lubdub.History `history`: name = list of values, one per epoch (a name that came only in some
-- epochs has fewer, as in Keras); `epoch`: list of epoch numbers from 1; `params`: epochs, steps, verbose
function history.new()
  return setmetatable({ history = {}, epoch = {}, params = {}, rows = {} }, History)
end

function History:set_params(params) self.params = params end

function History:set_model(model)
  self.model_metrics = model.metrics
  model.history = self
end

-- A row is one assignment, so that an interrupt leaves whole epochs: settle() makes the lists from the rows.
function History:on_epoch_end(epoch, logs)
  local row = { epoch = epoch, logs = {} }
  for name, value in pairs(logs) do row.logs[name] = value end
  self.rows[#self.rows + 1] = row
  self:append(row)
end

function History:append(row)
  for name, value in pairs(row.logs) do
    local list = self.history[name]
    if list then list[#list + 1] = value else self.history[name] = { value } end
  end
  self.epoch[#self.epoch + 1] = row.epoch
end

--- Makes the lists anew, in place, from the epochs that were completed.
function History:settle()
  for _, list in pairs(self.history) do
    for i = #list, 1, -1 do list[i] = nil end
  end
  for i = #self.epoch, 1, -1 do self.epoch[i] = nil end
  for _, row in ipairs(self.rows) do self:append(row) end
end

function History:on_train_interrupt() self:settle() end

--- The epochs so far as plain tables, for a training that is resumed later.
function History:state() return { rows = self.rows } end

--- Goes on from a state.
function History:restore(state)
  self.rows = table.move(state.rows, 1, #state.rows, 1, {})
  self:settle()
end

--- The names in the order that people read them: loss, metrics, then the same of the validation, then others.
-- @tparam table logs name = value
-- @tparam ?table metrics the model's list of names
-- @treturn table names
function history.names(logs, metrics)
  local names, known = {}, {}
  local function add(name)
    if logs[name] ~= nil and not known[name] then names[#names + 1], known[name] = name, true end
  end
  for _, prefix in ipairs { "", "val_" } do
    add(prefix .. "loss")
    for _, name in ipairs(metrics or {}) do add(prefix .. name) end
  end
  local others = {}
  for name in pairs(logs) do others[#others + 1] = not known[name] and name or nil end
  table.sort(others)
  for _, name in ipairs(others) do add(name) end
  return names
end

--- A value as progress lines show it: four digits behind the point, or an exponent for small ones.
function history.value_text(value)
  if type(value) ~= "number" then return tostring(value) end
  if value ~= 0 and math.abs(value) <= 1e-3 then return ("%.4e"):format(value) end
  return ("%.4f"):format(value)
end

-- The row with the lowest val_loss, or loss without validation.
local function best_row(rows)
  local best, by
  for _, name in ipairs { "val_loss", "loss" } do
    for _, row in ipairs(rows) do
      local value = row.logs[name]
      if value and value == value and (not best or value < best.logs[name]) then best, by = row, name end
    end
    if best then return best, by end
  end
end

--- The table of the last epochs and the best one.
function History:__tostring()
  local rows = self.rows
  local n = #rows
  if n == 0 then return "History: no epoch yet" end
  local seen = {}
  for _, row in ipairs(rows) do
    for name in pairs(row.logs) do seen[name] = true end
  end
  local names = history.names(seen, self.model_metrics)
  local lines = {}
  local function add(first, cells)
    local line = { ("%12s"):format(first) }
    for i, name in ipairs(names) do line[#line + 1] = ("%" .. math.max(10, #name) .. "s"):format(cells[i]) end
    lines[#lines + 1] = table.concat(line, "  ")
  end
  local function add_row(first, row)
    local cells = {}
    for i, name in ipairs(names) do cells[i] = row.logs[name] and history.value_text(row.logs[name]) or "" end
    add(first, cells)
  end
  lines[1] = ("History: %d epoch%s"):format(n, n == 1 and "" or "s")
  add("epoch", names)
  for i = math.max(1, n - 4), n do add_row(("%d"):format(rows[i].epoch), rows[i]) end
  local best, by = best_row(rows)
  if best and n > 1 then
    add_row(("best: %d"):format(best.epoch), best)
    lines[#lines] = lines[#lines] .. ("  (lowest %s)"):format(by)
  end
  return table.concat(lines, "\n")
end

return history
