--- Who wrote a file, and what that writer's names mean. Between the versions of Keras a few names changed
-- their meaning, and a few options their defaults; a file is read with those of its writer.
-- @module lubdub.keras.dialect
local dialect = {}

--- The dialect of a version: { version = the text, or nil; keras3 = boolean; hard_gates = boolean }.
-- Keras 2's hard_sigmoid is clip(0.2 x + 0.5), that of Keras 3 clip(x / 6 + 0.5). `hard_gates`: recurrent layers whose
-- config does not tell their recurrent_activation have that hard_sigmoid: the default until Keras 2.2.
-- TensorFlow called its own Keras 2.2.4-tf, and it had the defaults of Keras 2.3 by then.
-- @tparam ?string version as the file tells it
-- @tparam boolean modern whether the file has a form that only Keras 3 writes, for files that tell no version
-- @treturn table
function dialect.of(version, modern)
  local major, minor = tostring(version):match "^(%d+)%.(%d+)"
  major, minor = tonumber(major) or modern and 3 or 2, tonumber(minor) or 0
  return {
    version = version,
    keras3 = modern or major >= 3,
    hard_gates = not modern and major < 3 and minor < 3 and not tostring(version):find("-tf", 1, true),
  }
end

--- An activation's name among ours.
function dialect.activation(self, name)
  if name == "hard_sigmoid" and not self.keras3 then return "keras2_hard_sigmoid" end
  return name
end

-- What a layer's config leaves out and its writer knew: kind = function(dialect, config).
local unsaid = {}

function unsaid.LSTM(self, config)
  if self.hard_gates and config.recurrent_activation == nil then config.recurrent_activation = "hard_sigmoid" end
end

function unsaid.GRU(self, config)
  unsaid.LSTM(self, config)
  if not self.keras3 and config.reset_after == nil then config.reset_after = false end
end

--- Class names whose layers are another one's with options of their own. Their weights have another form
-- (lubdub.keras.cudnn).
dialect.cudnn = { CuDNNLSTM = "LSTM", CuDNNGRU = "GRU" }

--- Completes a layer's config with what its writer took for granted.
-- @tparam table self
-- @tparam string class the file's name of the layer
-- @tparam string kind ours
-- @tparam table config is changed
function dialect.complete(self, class, kind, config)
  if dialect.cudnn[class] then
    config.recurrent_activation, config.activation = "sigmoid", "tanh"
    if kind == "GRU" then config.reset_after = true end
  elseif unsaid[kind] then
    unsaid[kind](self, config)
  end
end

return dialect
