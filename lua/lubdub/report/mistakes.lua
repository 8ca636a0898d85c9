--- The worst mistakes: the rows whose true class was given the least probability, with all that shows why.
-- @module lubdub.report.mistakes
local feature = require "lubdub.feature"
local html = require "lubdub.report.html"
local pictures = require "lubdub.report.pictures"
local plot = require "lubdub.plot"
local row = require "lubdub.row"
local sound = require "lubdub.plot.sound"

local mistakes = {}

local RATE, LONGEST = 8000, 10 -- Hz and seconds of a sound inside the page

--- The rows that were predicted wrong, the surest first.
-- @tparam table e evidence
-- @treturn table positions
function mistakes.rank(e)
  local place, wrong = {}, {}
  for c, label in ipairs(e.labels) do place[label] = c end
  for i, label in ipairs(e.truth) do
    if e.predicted[i] ~= label then wrong[#wrong + 1] = i end
  end
  local function given(i) return e.scores[i][place[e.truth[i]]] end
  table.sort(wrong, function(a, b)
    if given(a) ~= given(b) then return given(a) < given(b) end
    return a < b
  end)
  return wrong
end

-- The sound that the model was given, as far as it is known: nil and a reason where there is none.
local function sound_of(e, i)
  local clip = e.rows and e.rows[i]
  if not clip then return nil, "no data set was handed over" end
  if not sound.is_row(clip) then return nil, "the row has neither a path nor audio" end
  local load = e.steps and e.steps[1] and e.steps[1].options or {}
  return sound.of(clip, { sr = RATE, offset = load.offset, duration = math.min(load.duration or LONGEST, LONGEST) })
end

-- What the features of the model are: plan's options and a name.
local function feature_of(e)
  for _, step in ipairs(e.steps or {}) do
    local kind = feature.names[step.name]
    if kind then return feature[kind](step.options):config(), step.name end
  end
  return { sr = 22050, hop_length = 512 }, "features"
end

local small = { 480, 220 }

-- One row of x as a matrix (rows, frames), or nil where it has another shape.
local function features_of(e, i)
  if not e.x then return nil end
  local x = e.x:slice(1, i, i):squeeze()
  return x:ndim() == 2 and x or nil
end

local function feature_picture(e, i, signal, sr)
  local x = features_of(e, i)
  local config, name = feature_of(e)
  if x then
    return pictures.figure(function()
      return plot.mfcc(x, { sr = config.sr, hop_length = config.hop_length or 512, size = small, title = false,
        theme = e.theme })
    end, ("what the model was given (%s)"):format(name), "png")
  elseif signal then
    return pictures.figure(function()
      return plot.mfcc(signal, { sr = sr, hop_length = 128, size = small, title = false, theme = e.theme })
    end, "MFCC of the sound (20 coefficients)", "png")
  end
  return html.p({ class = "missing" }, "Neither features nor sound to show.")
end

-- The model that predicted row i: of a cross-validation, that of its fold, where it was kept.
local function model_of(e, i)
  if e.model then return e.model end
  for _, fold in ipairs(e.folds or {}) do
    for _, position in ipairs(fold.test) do
      if position == e.position[i] then return fold.model end
    end
  end
end

local function has_convolution(model)
  for _, layer in ipairs(model.layers or {}) do
    if layer.kind:find "Conv" then return true end
  end
  return false
end

local function heat_picture(e, i)
  local x, model = features_of(e, i), model_of(e, i)
  if not x or not model or not has_convolution(model) then return nil end
  local config = feature_of(e)
  return pictures.figure(function()
    local heat = require("lubdub.explain").grad_cam(model, e.x:slice(1, i, i))
    return plot.grad_cam(x, heat:squeeze(), { sr = config.sr, hop_length = config.hop_length or 512, size = small,
      title = false, theme = e.theme })
  end, ("Grad-CAM: what spoke for %s"):format(tostring(e.predicted[i])), "png")
end

local function name_of(e, i)
  local clip = e.rows and e.rows[i]
  local data = clip and row.data(clip) or {}
  local name = data.path and data.path:match "[^/\\]+$" or data.name
    or ("row %d"):format(e.position and e.position[i] or i)
  local group = e.groups and e.groups[i]
  if group ~= nil then name = ("%s (%s %s)"):format(name, e.group_name, tostring(group)) end
  if data.offset then name = ("%s, from %.4g s"):format(name, data.offset) end
  return name
end

local function probabilities(e, i)
  local parts, order = {}, {}
  for c in ipairs(e.labels) do order[c] = c end
  table.sort(order, function(a, b)
    if e.scores[i][a] ~= e.scores[i][b] then return e.scores[i][a] > e.scores[i][b] end
    return a < b
  end)
  for k = 1, math.min(5, #order) do
    parts[k] = ("%s %.2f"):format(tostring(e.labels[order[k]]), e.scores[i][order[k]])
  end
  return table.concat(parts, ", ")
end

--- One mistake as a part of the page.
-- @tparam table e evidence
-- @tparam integer i row
-- @treturn Element
function mistakes.show(e, i)
  local signal, sr = sound_of(e, i)
  local player, wave
  if signal then
    player = pictures.player(signal, sr // 1)
    wave = pictures.figure(function()
      return plot.waveform(signal, sr, { size = small, title = false, theme = e.theme })
    end, "waveform")
  else
    player = html.p({ class = "missing" }, "No sound: ", sr)
  end
  return html.div({ class = "mistake" },
    html.h3(name_of(e, i)),
    html.p("Truth: ", html.b(tostring(e.truth[i])), ". Said: ", html.b({ class = "bad" }, tostring(e.predicted[i])),
      html.span({ class = "soft" }, " (" .. probabilities(e, i) .. ")")),
    player,
    html.div({ class = "pair" }, wave, feature_picture(e, i, signal, sr), heat_picture(e, i)))
end

return mistakes
