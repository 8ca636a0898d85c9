-- lubdub.help: every public name has words and an example, and the examples run.
local comments = require "lubdub.help.comments"
local core = require "lubdub.core"
local help = require "lubdub.help"
local index = require "lubdub.help.index"
local lfs = require "lfs"
local lubdub = require "lubdub"
local printed = require "support.printed"
local progress = require "lubdub.progress"

-- What the examples find: the names that they use for a reader's own things.
local function world()
  local clips = lubdub.datasets.hearts { n = 40, seed = 1 }
  local encoder = lubdub.LabelEncoder(clips:column "label")
  local layers = lubdub.layers
  local function model()
    local net = lubdub.Sequential { layers.Input { 8, 8, 1 }, layers.Conv2D { filters = 4, kernel_size = 3 },
      layers.Flatten(), layers.Dense { units = 5, activation = "softmax" }, seed = 1 }
    net:compile { optimizer = "adam", loss = "categorical_crossentropy" }
    return net
  end
  local x = lubdub.Tensor.randn { 40, 8, 8, 1, seed = 1 }
  local y = encoder:to_categorical(clips:column "label")
  local y_true = { "normal", "murmur", "normal", "murmur" }
  local y_pred = { "normal", "murmur", "murmur", "murmur" }
  local signal, sr = lubdub.synth.clip { label = "normal", seed = 1, duration = 5 }
  assert(lubdub.audio.write("heart.wav", signal, sr))
  local saved = model()
  assert(saved:save "heartbeat.h5")
  local history = model():fit(x, y, { epochs = 1, verbose = 0 })
  local folder = lubdub.datasets.folder
  return function()
    return setmetatable({
      lubdub = lubdub, clips = clips, encoder = encoder, model = model(), x = x, y = y, y_true = y_true,
      y_pred = y_pred, signal = signal, sr = sr, history = history, folder = folder, print = function() end,
    }, { __index = _G })
  end
end

-- Examples that need a reader's own files or programs; they are compiled only.
local needs_more = {
  ["lubdub.datasets.pascal"] = "the PASCAL recordings", ["lubdub.datasets.folder"] = "a folder of recordings",
}
if not os.execute "command -v gnuplot >/dev/null 2>&1" then
  for _, entry in ipairs(index.all()) do
    if entry.path:find "^lubdub%.plot" then needs_more[entry.path] = "gnuplot" end
  end
end

describe("help", function()
  local home, folder, new_world

  setup(function()
    home = lfs.currentdir()
    folder = os.tmpname()
    os.remove(folder)
    assert(lfs.mkdir(folder))
    -- modules are loaded lazily by relative paths
    for _, entry in ipairs(index.all()) do assert(entry.value ~= nil) end
    for _, name in ipairs { "lubdub.keras.save", "lubdub.keras.load", "lubdub.h5" } do require(name) end
    for _, template in ipairs { "path", "cpath" } do
      package[template] = package[template]:gsub("([^;]+)", function(part)
        return part:sub(1, 1) == "/" and part or home .. "/" .. part
      end)
    end
    assert(lfs.chdir(folder))
    new_world = world()
    progress.redirect { write = function() end, flush = function() end }
  end)

  teardown(function()
    progress.redirect()
    lfs.chdir(home)
    os.execute("rm -rf '" .. folder .. "'")
  end)

  it("has a comment for every public name", function()
    local without = {}
    for _, entry in ipairs(index.all()) do
      if not entry.block or entry.block.text == "" then without[#without + 1] = entry.path end
    end
    assert.equal("", table.concat(without, ", "), "public names without an LDoc comment")
  end)

  it("has an example for every public name", function()
    local without = {}
    for _, entry in ipairs(index.all()) do
      if #help.examples(entry.path) == 0 then without[#without + 1] = entry.path end
    end
    assert.equal("", table.concat(without, ", "), "public names without @usage, of their own or of their module")
  end)

  it("finds them all by their names, and by themselves", function()
    for _, entry in ipairs(index.all()) do
      assert(help.text(entry.path):find(entry.path, 1, true) == 1, entry.path)
      assert.is_string(help.text(entry.value))
    end
  end)

  it("gives examples that run", function()
    local done, failed = {}, {}
    for _, entry in ipairs(index.all()) do
      for _, tag in ipairs(entry.block and comments.tags(entry.block, "usage") or {}) do
        local code = tag.text
        if not done[code] then
          done[code] = true
          -- what stands alone as an expression may do so in a notebook and in the REPL
          local chunk, wrong = load("return " .. code, "=example", "t", new_world())
          if not chunk then chunk, wrong = load(code, "=example", "t", new_world()) end
          if chunk and not needs_more[entry.path] then
            local ok, message
            printed(function() ok, message = pcall(chunk) end)
            wrong = not ok and message or nil
          end
          if wrong then failed[#failed + 1] = entry.path .. ": " .. tostring(wrong) end
        end
      end
    end
    lubdub.on_warning(nil)
    assert.equal("", table.concat(failed, "\n"))
  end)

  -- One truth: the options in the words are those of the engine, with its defaults.
  local required = {
    Input = { 2, 3 }, Dense = { units = 1 }, Conv2D = { filters = 1, kernel_size = 1 },
    Conv1D = { filters = 1, kernel_size = 1 }, SeparableConv2D = { filters = 1, kernel_size = 1 },
    DepthwiseConv2D = { kernel_size = 1 }, LSTM = { units = 1 }, GRU = { units = 1 },
    Bidirectional = function() return { layer = core.layers.LSTM { units = 1 } } end, Dropout = { rate = 0.5 },
    SpatialDropout1D = { rate = 0.5 }, SpatialDropout2D = { rate = 0.5 }, GaussianNoise = { stddev = 1 },
    Activation = { activation = "relu" }, Reshape = { 1, 2 }, Permute = { 2, 1 },
  }

  local function default_text(value)
    if type(value) == "string" then return '"' .. value .. '"' end
    if math.type(value) == "float" then return ("%.7g"):format(value):gsub("e%-0?", "e-") end
    return tostring(value)
  end

  for _, part in ipairs { "layers", "optimizers", "losses", "initializers", "regularizers", "constraints" } do
    it("tells the options of lubdub." .. part .. " and their defaults", function()
      local wrong = {}
      for _, entry in ipairs(index.all()) do
        if entry.parent == "lubdub." .. part and entry.kind == "function" and entry.name:find "^%u" then
          local need = required[entry.name]
          if type(need) == "function" then need = need() end
          local ok, made = pcall(entry.value, need)
          local config = ok and (type(made) == "table" and made or made:config()) or {}
          if not ok then wrong[#wrong + 1] = entry.path .. ": required options? " .. tostring(made) end
          local tag = entry.block and comments.tags(entry.block, "tparam")[1]
          local text = tag and tag.text:gsub("\n", " ") or ""
          for name, value in pairs(config) do
            if type(name) == "string" then
              local told = text:match("%f[%w_]" .. name .. "%f[^%w_]%s*%(([^;:)]*)")
              if not text:find("%f[%w_]" .. name .. "%f[^%w_]") then
                wrong[#wrong + 1] = entry.path .. ": option " .. name .. " is not told of"
              elseif type(value) ~= "table" and not (need and need[name] ~= nil) and value ~= "linear"
                and told ~= default_text(value) and not (told or ""):find("^" .. default_text(value):gsub("%p", "%%%0"))
              then
                wrong[#wrong + 1] = ("%s: %s is %s, the comment says %s"):format(entry.path, name,
                  default_text(value), tostring(told))
              end
            end
          end
        end
      end
      table.sort(wrong)
      assert.equal("", table.concat(wrong, "\n"))
    end)
  end

  it("prints what was asked for in any of its forms", function()
    local function shown(...)
      local arguments = table.pack(...)
      return printed(function() lubdub.help(table.unpack(arguments, 1, arguments.n)) end)
    end
    local conv = shown(lubdub.layers.Conv2D)
    assert.truthy(conv:find("^lubdub%.layers%.Conv2D%(options%)\n\n  Convolution of images"))
    assert.truthy(conv:find('\n    padding +%("valid"; or "same"%)\n'))
    assert.truthy(conv:find "\n  example:\n    lubdub%.layers%.Conv2D {")
    assert.equal(conv, shown "Conv2D")
    assert.equal(conv, shown "lubdub.layers.Conv2D")
    assert.equal(conv, shown "layers.Conv2D")
    assert.equal(conv, shown "conv2d")
    assert.equal(conv, shown "Conv2D { filters = 3 }")
    assert.equal(conv, shown(lubdub.layers.Conv2D { filters = 1, kernel_size = 1 }))
    local model = lubdub.Sequential { lubdub.layers.Dense { units = 1 } }
    assert.truthy(shown(model):find "^lubdub%.Sequential%(")
    local fit = shown(model.fit)
    assert.truthy(fit:find "^lubdub%.%w+:fit%(x, y, %[given%]%)")
    assert.truthy(fit:find "\n    batch_size +%(32%)\n")
    assert.truthy(shown("fit"):find "^lubdub%.%w+:fit%(")
    assert.truthy(shown("model:fit"):find "fit")
    assert.truthy(shown(lubdub.datasets.pascal):find "^lubdub%.datasets%.pascal%(folder")
    assert.truthy(shown(lubdub.Tensor { 1 }):find "^lubdub%.Tensor%(")
    assert.truthy(shown(lubdub.datasets.hearts { n = 2 }):find "^lubdub%.Dataset%(")
    assert.truthy(shown(lubdub.optimizers.Adam()):find "^lubdub%.optimizers%.Adam%(")
    assert.truthy(shown(lubdub.MFCC()):find "^lubdub%.MFCC%(")
    assert.truthy(shown(lubdub.metrics):find "f1_score")
    local overview = shown()
    for _, name in ipairs { "MFCC", "Sequential", "layers", "datasets" } do
      assert.truthy(overview:find("\n  " .. name .. " ", 1, true))
    end
  end)

  it("names the nearest where there is nothing of that name", function()
    assert.equal("help: there is nothing called 'Conf2D'; did you mean 'Conv2D'?\n",
      printed(function() lubdub.help "Conf2D" end))
    assert.equal("help: there is nothing called 'zzzzzzzzz'; lubdub.help() lists what there is\n",
      printed(function() lubdub.help "zzzzzzzzz" end))
    assert.equal("help: 42 is a number, not a part of lubdub\n", printed(function() lubdub.help(42) end))
    assert.equal("help: nil is a nil, not a part of lubdub\n", printed(function() lubdub.help(nil) end))
    assert.truthy(printed(function() lubdub.help(print) end):find "not a part of lubdub")
    assert.truthy(printed(function() lubdub.help "" end):find "there is nothing called ''")
  end)

  it("knows the options, for those who complete them", function()
    local names = {}
    for _, name in ipairs(help.options(lubdub.MFCC)) do names[name] = true end
    assert.is_true(names.sr and names.n_mfcc and names.top_db)
    assert.same({ "monitor", "min_delta", "patience", "verbose", "mode", "baseline", "restore_best_weights",
      "start_from_epoch" }, help.options(lubdub.callbacks.EarlyStopping))
    assert.equal("label", help.options(lubdub.synth.clip)[1])
    assert.same({}, help.options(lubdub.clock))
    assert.same({}, help.options "nothing")
  end)
end)
