-- Files from strangers: damaged at random, they give a model or a reason. LUBDUB_MUTATIONS sets how many there are of
-- each kind; `make sanitize` runs more of them, under AddressSanitizer and UBSan.
local h5 = require "lubdub.h5"
local lubdub = require "lubdub"
local json = require "lubdub.keras.json"
local h5_copy = require "support.h5_copy"
local mutate = require "support.mutate"
local temporary = require "support.temporary"

local golden = "spec/golden/"
local count = math.tointeger(os.getenv "LUBDUB_MUTATIONS" or 150)
local folder, remove

local function slurp(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read "a"
end

setup(function()
  folder, remove = temporary.folder()
  lubdub.on_warning(function() end)
end)
teardown(function()
  lubdub.on_warning(nil)
  remove()
end)

local models = { "every_layer", "dialects/keras_2_3", "recurrent_model", "keras_objects_1", "h5/latest_model" }

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
        mutate.survives(("%s, seed %d (%s)"):format(name, seed, how), path, function()
          return lubdub.load_model(path)
        end)
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

describe("a wrong description", function()
  for number, name in ipairs(models) do
    it("gives an error or a model: " .. name, function()
      local source, path = golden .. name .. ".h5", folder .. "/m.h5"
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
        mutate.survives(("%s, seed %d (%s)"):format(name, seed, table.concat(how, "; ")), path, function()
          return lubdub.load_model(path)
        end)
      end
    end)
  end

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
      local model, reason = mutate.survives("units = " .. units, path, function() return lubdub.load_model(path) end, 1, 100)
      assert.is_nil(model)
      assert.matches(units < 1 << 30 and "the file holds no such amount" or "dense", reason)
    end
  end)
end)
