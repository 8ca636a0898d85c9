-- Files from strangers: damaged at random, they give a model or a reason. LUBDUB_MUTATIONS sets how many there are of
-- each kind; `make sanitize` runs more of them, under AddressSanitizer and UBSan.
local h5 = require "lubdub.h5"
local lubdub = require "lubdub"
local json = require "lubdub.keras.json"
local zip = require "lubdub.zip"
local h5_copy = require "support.h5_copy"
local mutate = require "support.mutate"
local temporary = require "support.temporary"

local golden = "spec/golden/"
local count = math.tointeger(os.getenv "LUBDUB_MUTATIONS" or 50)
local folder, remove

local function slurp(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read "a"
end

-- A graph with two inputs, a layer that is called twice, and a merging one.
local function save_graph(path)
  local layers = lubdub.layers
  local one, two = layers.Input { 6, name = "one" }, layers.Input { 6, name = "two" }
  local shared = layers.Dense { units = 4, activation = "relu", name = "shared" }
  local sum = layers.Add { name = "sum" } { shared(one), shared(two) }
  local both = layers.Concatenate { name = "both" } { sum, layers.Dense { units = 3, name = "side" }(two) }
  local model = lubdub.Model { inputs = { one, two }, outputs = layers.Dense { units = 2, name = "last" }(both) }
  assert(model:save(path))
end

setup(function()
  folder, remove = temporary.folder()
  save_graph(folder .. "/graph.h5")
  lubdub.on_warning(function() end)
end)
teardown(function()
  lubdub.on_warning(nil)
  remove()
end)

local models = { "every_layer", "dialects/keras_2_3", "recurrent_model", "keras_objects_1", "h5/latest_model" }

-- A model or a reason; and what there is to see of the file, or a reason.
local function load(what, path)
  local model = mutate.survives(what, path, function() return lubdub.load_model(path) end)
  local seen = mutate.survives(what .. ", inspect", path, function() return lubdub.inspect(path) end)
  if seen then assert(#tostring(seen) > 0) end
  return model
end

-- Everything that a file holds, through a few levels: groups may contain themselves.
local function read_all(file, group, depth, left)
  for _, name in ipairs(file:attributes(group) or {}) do
    if not file:attribute(group, name) then file:attribute_numbers(group, name) end
  end
  for _, member in ipairs(file:members(group) or {}) do
    left.objects = left.objects - 1
    if left.objects < 0 then return end
    local object = (group == "/" and "" or group) .. "/" .. member
    if file:kind(object) == "group" and depth > 0 then read_all(file, object, depth - 1, left)
    else
      file:shape(object)
      file:read(object)
      file:numbers(object)
    end
  end
end

describe("damaged bytes", function()
  for number, name in ipairs(models) do
    it("of a model give an error or a model: " .. name, function()
      local whole, path = slurp(golden .. name .. ".h5"), folder .. "/m.h5"
      for i = 1, count do
        local seed = number * 100000 + i
        local bytes, how = mutate.bytes(seed, whole)
        temporary.write(folder, "m.h5", bytes)
        load(("%s, seed %d (%s)"):format(name, seed, how), path)
      end
    end)
  end

  for number, name in ipairs { "types", "shapes", "storage", "attributes", "latest", "latest_storage", "dense_names",
    "user_block", "ordered" } do
    it("of any file are read to their end: " .. name, function()
      local whole = slurp(golden .. "h5/" .. name .. ".h5")
      for i = 1, count do
        local seed = number * 1000000 + i
        local bytes, how = mutate.bytes(seed, whole)
        mutate.survives(("%s, seed %d (%s)"):format(name, seed, how), "a file", function()
          local file <close>, reason = h5.open_buffer(bytes, "a file")
          if not file then return nil, reason end
          read_all(file, "/", 5, { objects = 1000 })
          return true
        end)
      end
    end)
  end
end)

describe("a damaged archive", function()
  local members = { "metadata.json", "config.json", "model.weights.h5" }

  local function saved()
    local model = assert(lubdub.load_model(golden .. "recurrent_model.h5"))
    model:compile { optimizer = "adam", loss = "categorical_crossentropy" }
    local path, parts = folder .. "/a.keras", {}
    assert(model:save(path))
    local archive <close> = assert(zip.open(path))
    for i, member in ipairs(members) do parts[i] = assert(archive:read(member)) end
    return path, slurp(path), parts
  end

  it("gives an error or a model", function()
    local path, whole = saved()
    for seed = 1, count do
      local bytes, how = mutate.bytes(seed, whole)
      temporary.write(folder, "a.keras", bytes)
      load(("seed %d (%s)"):format(seed, how), path)
    end
  end)

  it("whose members are damaged inside gives an error or a model", function()
    local path, _, parts = saved()
    for seed = 1, 2 * count do
      local list, which = {}, seed % #members + 1
      local how
      for i, member in ipairs(members) do list[i] = { member, parts[i] } end
      if which == #members or seed % 4 == 0 then
        list[which][2], how = mutate.bytes(seed, parts[which])
      else
        local value = json.decode(parts[which])
        how = mutate.json(seed, value)
        list[which][2] = json.encode(value)
      end
      assert(zip.write(path, list))
      load(("%s, seed %d (%s)"):format(members[which], seed, how), path)
    end
  end)
end)

describe("a wrong description", function()
  for number, name in ipairs { "graph", table.unpack(models) } do
    it("gives an error or a model: " .. name, function()
      local source, path = (name == "graph" and folder .. "/" or golden) .. name .. ".h5", folder .. "/m.h5"
      local file <close> = assert(h5.open(source))
      for i = 1, count do
        local seed, texts, how = number * 10000000 + i, {}, {}
        for k, attribute in ipairs { "model_config", "training_config" } do
          local text = file:attribute("/", attribute)
          local value = text and json.decode(text)
          if value and (k == i % 4 + 1 or k == 1 and i % 4 > 1) then
            how[#how + 1] = mutate.json(seed, value)
            texts[attribute] = json.encode(value)
          end
        end
        temporary.write(folder, "m.h5", h5_copy(source, texts))
        load(("%s, seed %d (%s)"):format(name, seed, table.concat(how, "; ")), path)
      end
    end)
  end

  it("of labels and preprocessing gives an error or a model", function()
    local model, path = assert(lubdub.load_model(golden .. "dialects/keras_2_3.h5")), folder .. "/own.h5"
    model.labels = { "normal", "murmur" }
    model.preprocessing = {
      { name = "load", options = { sr = 4000, duration = 2, mono = true } },
      { name = "mfcc", options = { n_mfcc = 9, sr = 4000, top_db = false } },
      { name = "standard_scaler",
        options = { axis = 2, mean = lubdub.Tensor { 1, 2 }, scale = lubdub.Tensor { 3, 4 } } },
    }
    assert(model:save(path))
    local source <close> = assert(h5.open(path))
    local own = source:attribute("/", "lubdub")
    for seed = 1, 2 * count do
      local value = json.decode(own)
      local how = mutate.json(seed, value)
      temporary.write(folder, "m.h5", h5_copy(path, { lubdub = json.encode(value) }))
      local back = load(("seed %d (%s)"):format(seed, how), folder .. "/m.h5")
      if back then
        for _, label in ipairs(back.labels or {}) do assert.is_truthy(type(label) == "string" or tonumber(label)) end
      end
    end
  end)

  it("that is nested too deeply, cut, or no JSON at all is refused at once", function()
    local path = folder .. "/m.h5"
    for name, text in pairs {
      lists = ("["):rep(100000), closed = ("["):rep(100000) .. ("]"):rep(100000),
      objects = ('{"a":'):rep(100000) .. "1" .. ("}"):rep(100000), cut = '{"class_name": "Sequential", "config": {"na',
      text = '"text"', number = "17", empty = "", words = "no JSON", nan = '{"class_name": NaN}',
      layers = '{"class_name":"Sequential","config":{"layers":' .. ("["):rep(5000) .. ("]"):rep(5000) .. "}}",
      strings = '{"a":"' .. ("\\u0041"):rep(200000) .. '"}',
    } do
      temporary.write(folder, "m.h5", h5_copy(golden .. "dialects/gzip.h5", { model_config = text }))
      local model, reason = mutate.survives(name, path, function() return lubdub.load_model(path) end, 3, 200)
      assert.is_nil(model)
      assert.matches(": ", reason)
    end
  end)

  it("of a model larger than its file is refused before it is made", function()
    local path = folder .. "/m.h5"
    for _, units in ipairs { 1 << 20, 1 << 31, 1 << 40, math.maxinteger } do
      local text = json.encode { class_name = "Sequential", config = { name = "big", layers = {
        { class_name = "InputLayer", config = { batch_shape = { json.null, 1000 }, name = "in" } },
        { class_name = "Dense", config = { name = "dense", units = units, activation = "linear" } } } } }
      temporary.write(folder, "m.h5", h5_copy(golden .. "dialects/gzip.h5", { model_config = text }))
      local function load_it() return lubdub.load_model(path) end
      local model, reason = mutate.survives("units = " .. units, path, load_it, 1, 100)
      assert.is_nil(model)
      assert.matches(units < 1 << 30 and "the file holds no such amount" or "dense", reason)
    end
  end)
end)
