local lubdub = require "lubdub"
local golden = require "support.json" "splits.json"

local Tensor = lubdub.Tensor

local function letters(text)
  local list = {}
  for letter in text:gmatch "." do list[#list + 1] = letter end
  return list
end

local function fails(pattern, f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  assert.matches(pattern, message)
end

describe("LabelEncoder", function()
  local encoder = lubdub.LabelEncoder { "normal", "murmur", "normal", "artifact" }

  it("sorts its classes by bytes", function()
    assert.same({ "artifact", "murmur", "normal" }, encoder.classes)
    assert.same({ "B", "a", "b", "ä" }, lubdub.LabelEncoder({ "ä", "b", "a", "B" }).classes)
    assert.same({ 2, 10 }, lubdub.LabelEncoder({ 10, 2, 10 }).classes)
    assert.same({ "z", "a" }, lubdub.LabelEncoder({ "z", "a", "z" }, { sort = false }).classes)
    assert.equal(3, #encoder)
  end)

  it("encodes and decodes", function()
    assert.same({ 3, 1, 2 }, encoder:encode { "normal", "artifact", "murmur" })
    assert.equal(2, encoder:encode "murmur")
    assert.same({ "normal", "artifact" }, encoder:decode { 3, 1 })
    assert.equal("murmur", encoder:decode(2))
    assert.same({}, encoder:encode {})
  end)

  it("decodes predictions by the largest of each row", function()
    local rows = { { 0.1, 0.2, 0.7 }, { 0.8, 0.1, 0.1 }, { 0.4, 0.5, 0.1 } }
    assert.same({ "normal", "artifact", "murmur" }, encoder:decode(Tensor(rows)))
    assert.same({ "normal", "artifact", "murmur" }, encoder:decode(rows))
    assert.same({ "normal", "artifact" }, encoder:decode(Tensor { 3, 1 }))
    assert.same({}, encoder:decode(Tensor.zeros { 0, 3 }))
    local two = lubdub.LabelEncoder { "no", "yes" }
    assert.same({ "yes", "no", "no" }, two:decode(Tensor { { 0.9 }, { 0.1 }, { 0.5 } }))
  end)

  it("comes back from one-hot rows", function()
    local list = { "normal", "murmur", "artifact", "normal" }
    local rows = encoder:to_categorical(list)
    assert.same({ 4, 3 }, rows:shape())
    assert.same({ { 0, 0, 1 }, { 0, 1, 0 }, { 1, 0, 0 }, { 0, 0, 1 } }, rows:totable())
    assert.same(list, encoder:decode(rows))
  end)

  it("names an unknown label and its row", function()
    fails('LabelEncoder:encode: unknown label "extrahls" of row 2; the classes are "artifact", "murmur", "normal"',
      encoder.encode, encoder, { "normal", "extrahls" })
    fails('to_categorical: unknown label "x" of row 1', encoder.to_categorical, encoder, { "x" })
    fails("unknown label nil", encoder.encode, encoder, nil)
    fails("row 2: expected a class from 1 to 3, got 4", encoder.decode, encoder, { 1, 4 })
    fails("expected a class from 1 to 3, got 0", encoder.decode, encoder, 0)
    fails("got 1.5", encoder.decode, encoder, { 1.5 })
    fails("expected %(rows, 3%).* got %(2, 4%)", encoder.decode, encoder, Tensor.zeros { 2, 4 })
    fails("expected a list of labels, got nil", encoder.to_categorical, encoder)
  end)

  it("refuses lists without an order", function()
    fails("no labels", lubdub.LabelEncoder, {})
    fails("labels mix a string %(row 1%) and a number %(row 2%)", lubdub.LabelEncoder, { "a", 1 })
    fails("labels must be a list, got nil", lubdub.LabelEncoder)
    fails("sort", lubdub.LabelEncoder, { "a" }, { sorted = false })
  end)

  it("prints itself", function()
    assert.equal('LabelEncoder(3 classes: "artifact", "murmur", "normal")', tostring(encoder))
  end)
end)

describe("to_categorical", function()
  it("makes one-hot rows", function()
    assert.same({ { 0, 1, 0 }, { 1, 0, 0 } }, lubdub.to_categorical({ 2, 1 }, 3):totable())
    assert.same({ { 0, 1 }, { 1, 0 } }, lubdub.to_categorical({ 2, 1 }):totable())
    assert.same({ { 0, 1 }, { 1, 0 } }, lubdub.to_categorical(Tensor { 2, 1 }):totable())
    assert.same({ 0, 4 }, lubdub.to_categorical({}, 4):shape())
  end)

  it("refuses what is no class", function()
    fails("row 2: expected a class from 1 to 3, got 4", lubdub.to_categorical, { 1, 4 }, 3)
    fails("row 1: expected a class from 1, got 0", lubdub.to_categorical, { 0 })
    fails('row 1: expected a class from 1, got "a"', lubdub.to_categorical, { "a" })
    fails("number of classes must be a whole number from 1, got 0", lubdub.to_categorical, { 1 }, 0)
    fails("got a tensor %(2, 2%)", lubdub.to_categorical, Tensor.zeros { 2, 2 })
  end)
end)

describe("class_weights", function()
  it("are scikit-learn's balanced ones", function()
    for _, case in ipairs(golden.class_weights) do
      local list = letters(case.labels)
      local encoder = lubdub.LabelEncoder(list)
      assert.same(letters(case.classes), encoder.classes)
      assert.same(case.weights, lubdub.class_weights(list, encoder))
      assert.same(case.weights, lubdub.class_weights(list))
    end
  end)

  it("keep the encoder's numbers where a class is missing", function()
    local encoder = lubdub.LabelEncoder { "a", "b", "c" }
    assert.same({ [1] = 0.75, [3] = 1.5 }, lubdub.class_weights({ "a", "c", "a" }, encoder))
  end)

  it("refuse what they cannot weigh", function()
    fails("no labels", lubdub.class_weights, {}, lubdub.LabelEncoder { "a" })
    fails("expected a LabelEncoder, got table", lubdub.class_weights, { "a" }, { "a" })
    fails('unknown label "b" of row 1', lubdub.class_weights, { "b" }, lubdub.LabelEncoder { "a" })
  end)
end)
