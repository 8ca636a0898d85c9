--- The metrics that `compile { metrics = { ... } }` knows by name.
-- A metric is a table: `direction`, "up" where more is better ("down" otherwise); and
-- `mean(y, outputs)`, the mean over the rows of one batch. An epoch's value is the mean over its rows.
-- To add one, add an entry here; a metric of a program's own goes to compile as a function.
-- @module lubdub.fit_metrics
local blame = require "lubdub.blame"

local fit_metrics = {}

-- Keras' choice by shape: one column is a yes or no (above 0.5), more are classes (the largest).
local function accuracy(y, outputs)
  local shape = outputs:shape()
  local n, right = shape[1], 0
  if #shape ~= 2 then blame("accuracy: outputs must be (n, classes), got %d dimensions", #shape) end
  if shape[2] == 1 then
    local truth, guess = y:totable(), outputs:totable()
    for i = 1, n do
      if truth[i][1] == (guess[i][1] > 0.5 and 1 or 0) then right = right + 1 end
    end
  else
    local truth, guess = y:argmax(2):totable(), outputs:argmax(2):totable()
    for i = 1, n do
      if truth[i] == guess[i] then right = right + 1 end
    end
  end
  return right / n
end

fit_metrics.accuracy = { direction = "up", mean = accuracy }
fit_metrics.acc = fit_metrics.accuracy

return fit_metrics
