local lubdub = require "lubdub"
local random = require "lubdub.random"
local warned = require "support.warned"

local Dataset, Tensor = lubdub.Dataset, lubdub.Tensor

-- Ten clips of 1 to 10 s in memory, four patients.
local function hearts()
  local rows = {}
  for i = 1, 10 do
    rows[i] = { name = "clip " .. i, label = i % 2 == 0 and "murmur" or "normal", patient = "p" .. (i - 1) // 3,
      audio = Tensor.zeros { i * 100 }, samplerate = 100 }
  end
  return Dataset(rows)
end

local function names(clips)
  return clips:column "name"
end

local function numbers(clips)
  local list = {}
  for i, name in ipairs(names(clips)) do list[i] = math.tointeger(name:match "%d+") end
  return list
end

local function fails(pattern, f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  assert.matches(pattern, message)
  return message
end

describe("Dataset", function()
  local said = warned(before_each, after_each)

  it("is made from rows or from columns", function()
    local clips = Dataset { path = { "a.wav", "b.wav" }, label = { "x", "y" } }
    assert.equal(2, #clips)
    assert.equal("b.wav", clips[2].path)
    assert.equal("x", clips[1].label)
    assert.is_nil(clips[3])
    assert.equal(0, #Dataset {})
    assert.equal(2, #Dataset(clips))
    assert.is_true(Dataset.is(clips))
    assert.is_false(Dataset.is {})
    assert.same({ "path", "label", "duration", "samplerate" }, clips:columns())
    fails("row 2 must be a table, got string", Dataset, { {}, "a" })
    fails("row 1: columns have names, got 1", Dataset, { { "a" } })
    fails("column label has 1 values, column a has 2", Dataset, { a = { 1, 2 }, label = { 1 } })
    fails("expected a list of rows, or columns", Dataset, 3)
    fails("got path = string", Dataset, { path = "a" })
  end)

  it("keeps its own copy of the rows it was made from", function()
    local row = { label = "a" }
    local clips = Dataset { row }
    row.label = "b"
    assert.equal("a", clips[1].label)
  end)

  it("cannot be changed", function()
    local clips = hearts()
    fails('rows are read%-only: clips:with_column%("label"', function() clips[1].label = "x" end)
    fails("data sets are read%-only", function() clips[1] = {} end)
    clips:map(function(clip)
      clip.label = "x"
      return clip
    end)
    clips:shuffle(1)
    clips:sort "label"
    assert.equal("normal", clips[1].label)
    assert.equal("clip 1", clips[1].name)
  end)

  it("knows the duration of clips in memory", function()
    local clips = hearts()
    assert.equal(3, clips[3].duration)
    assert.equal(300, clips[3].frames)
    assert.equal(1, clips[3].channels)
    local stereo = Dataset { { audio = Tensor.zeros { 2, 50 }, samplerate = 100 } }
    assert.equal(0.5, stereo[1].duration)
    assert.equal(2, stereo[1].channels)
    assert.is_nil(Dataset({ { label = "a" } })[1].duration)
  end)

  it("goes through its rows in order", function()
    local clips, seen = hearts(), {}
    for i, clip in clips:iter() do seen[i] = clip.name end
    assert.same(names(clips), seen)
    seen = {}
    for i, clip in ipairs(clips) do seen[i] = clip.name end
    assert.same(names(clips), seen)
    local keys = {}
    for key in pairs(clips[1]) do keys[key] = true end
    assert.same({ name = true, label = true, patient = true, audio = true, samplerate = true }, keys)
  end)

  it("gives columns without holes", function()
    local clips = Dataset { { label = "a", x = 1 }, { label = "b" }, { label = "c", x = 3 } }
    assert.same({ "a", "b", "c" }, clips:column "label")
    assert.same({ 1, 0, 3 }, clips:column("x", 0))
    assert.same({ 1, false, 3 }, clips:column("x", false))
    fails('column "x" has no value in 1 of 3 rows %(the first: row 2%)', clips.column, clips, "x")
    fails('no column "labl"; there are: label, x', clips.column, clips, "labl")
    assert.same({}, Dataset({}):column "label")
  end)

  it("filters", function()
    local clips = hearts()
    assert.same({ 4, 6, 8, 10 }, numbers(clips:filter(function(clip)
      return clip.label == "murmur" and clip.duration >= 4
    end)))
    assert.same({ 9, 10 }, numbers(clips:filter(function(_, i) return i > 8 end)))
    assert.same({ 2 }, numbers(clips:where { label = "murmur", patient = "p0" }))
    assert.same({ 1, 2, 3, 10 }, numbers(clips:where { patient = { "p0", "p3" } }))
    assert.same({ "b" }, Dataset({ { label = "a", x = 1 }, { label = "b" } }):where({ x = false }):column "label")
    fails('Dataset:where: no column "lable"', clips.where, clips, { lable = "a" })
    fails("expected a function of a row, got table %(for column = value there is where%)", clips.filter, clips, {})
  end)

  it("maps, adds and selects columns", function()
    local clips = hearts():head(2)
    local long = clips:with_column("long", function(clip, i) return clip.duration > 1 and i end)
    assert.same({ false, 2 }, long:column "long")
    assert.same({ 5, 6 }, clips:with_column("n", { 5, 6 }):column "n")
    assert.same({ "a", "a" }, clips:with_column("site", "a"):column "site")
    fails("1 values for 2 rows", clips.with_column, clips, "n", { 5 })
    assert.same({ "name", "label" }, clips:select("label", "name"):columns())
    local mapped = clips:map(function(clip) return { label = clip.label .. "!", seconds = clip.duration } end)
    assert.same({ "normal!", "murmur!" }, mapped:column "label")
    assert.same({ 1, 2 }, mapped:column "seconds")
    fails("Dataset:map: row 1 must be a table, got nil", clips.map, clips, function() end)
    fails('no column "x"', clips.select, clips, "x")
  end)

  it("shuffles and samples as NumPy does", function()
    local clips = hearts()
    assert.same(random.RandomState(42):permutation(10), numbers(clips:shuffle(42)))
    assert.same(numbers(clips:shuffle(42)), numbers(clips:shuffle { seed = 42 }))
    local some = random.RandomState(3):choice(10, 4, { replace = false })
    assert.same(some, numbers(clips:sample(4, { seed = 3 })))
    assert.equal(25, #clips:sample(25, { seed = 1, replace = true }))
    fails("cannot take 11 of 10 without replacement", clips.sample, clips, 11)
    fails("seed must be a whole number", clips.shuffle, clips, "x")
  end)

  it("sorts stably", function()
    local clips = hearts()
    assert.same({ 2, 4, 6, 8, 10, 1, 3, 5, 7, 9 }, numbers(clips:sort "label"))
    assert.same({ 1, 3, 5, 7, 9, 2, 4, 6, 8, 10 }, numbers(clips:sort("label", { reverse = true })))
    assert.same({ 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 }, numbers(clips:sort(function(clip) return -clip.duration end)))
  end)

  it("takes and joins rows", function()
    local clips = hearts()
    assert.same({ 3, 3, 1 }, numbers(clips:take { 3, 3, 1 }))
    fails("no row 11, there are 10", clips.take, clips, { 11 })
    assert.same({ 1, 2, 9 }, numbers(clips:head(2):concat(clips:take { 9 })))
    assert.same({ 1, 1 }, numbers(clips:head(1) .. clips:head(1)))
    assert.equal(5, #clips:head())
    assert.equal(10, #clips:head(99))
    fails("argument 1 is a string", clips.concat, clips, "x")
  end)

  it("counts values", function()
    local clips = hearts():take { 1, 2, 3, 4, 5 }
    local counts = clips:value_counts "label"
    assert.equal(3, counts.normal)
    assert.equal(2, counts.murmur)
    assert.is_nil(counts.artifact)
    local order = {}
    for label in pairs(counts) do order[#order + 1] = label end
    assert.same({ "normal", "murmur" }, order)
    assert.equal("label   count     %\nnormal      3  60.0\nmurmur      2  40.0", tostring(counts))
    assert.same({ "murmur", "normal" }, clips:unique "label")
    local parts = {}
    for label, part in clips:group_by "label" do parts[#parts + 1] = { label, numbers(part) } end
    assert.same({ { "murmur", { 2, 4 } }, { "normal", { 1, 3, 5 } } }, parts)
    fails('no column "lable"', clips.value_counts, clips, "lable")
  end)

  it("splits as train_test_split does, and keeps rows together", function()
    local clips = hearts()
    local train, test = lubdub.split.train_test_split(10, { test_size = 0.3, seed = 5 })
    local rest, held = clips:split { test_size = 0.3, seed = 5 }
    assert.same(train, numbers(rest))
    assert.same(test, numbers(held))
    for _, clip in held:iter() do
      local i = math.tointeger(clip.name:match "%d+")
      assert.equal(i, clip.duration)
      assert.equal(i % 2 == 0 and "murmur" or "normal", clip.label)
    end

    rest, held = clips:split { test_size = 0.2, seed = 1, stratify = "label" }
    assert.equal(1, held:value_counts("label").murmur)
    assert.equal(8, #rest)
    fails('Dataset:split: groups: no column "patent"', clips.split, clips, { groups = "patent" })
    fails("groups", clips.split, clips, { group = "patient" })
  end)

  it("keeps groups apart and warns when they are not", function()
    local clips = hearts()
    local rest, test = clips:split { test_size = 0.25, seed = 0, groups = "patient" }
    local there = {}
    for _, patient in ipairs(test:unique "patient") do there[patient] = true end
    for _, patient in ipairs(rest:unique "patient") do assert.is_nil(there[patient]) end
    assert.equal(0, #said)

    clips:split { test_size = 0.5, seed = 0, shuffle = true }
    assert.equal(1, #said)
    assert.matches('^split: %d of 4 groups %(column "patient"%) have rows on both sides', said[1])
    clips:split { test_size = 0.5, seed = 0 }
    assert.equal(1, #said)
    clips:select("name"):split { test_size = 0.5 }
    assert.equal(1, #said)
    -- rows 1 to 9 against 10: the last patient has no other row
    clips:split { test_size = 1, shuffle = false }
    assert.equal(1, #said)
  end)

  it("folds with its labels and groups", function()
    local clips = hearts()
    local seen, n = {}, 0
    for train, test in clips:folds(lubdub.split.GroupKFold { n_splits = 2 }) do
      n = n + 1
      assert.equal(10, #train + #test)
      for _, i in ipairs(numbers(test)) do seen[#seen + 1] = i end
      local there = {}
      for _, patient in ipairs(test:unique "patient") do there[patient] = true end
      for _, patient in ipairs(train:unique "patient") do assert.is_nil(there[patient]) end
    end
    table.sort(seen)
    assert.equal(2, n)
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, seen)
    assert.equal(0, #said)
    for _, test in clips:folds(lubdub.split.StratifiedKFold { n_splits = 5 }) do
      assert.equal(1, test:value_counts("label").murmur)
    end
    assert.is_true(#said >= 1)
    fails("expected a splitter such as lubdub.split.KFold", clips.folds, clips, { n_splits = 5 })
  end)

  it("cuts windows", function()
    local clips = hearts():take { 10, 2, 3 }
    local windows = clips:windows { size = 3, hop = 2 }
    assert.same({ 10, 10, 10, 10, 3 }, numbers(windows))
    assert.same({ 0, 2, 4, 6, 0 }, windows:column "offset")
    assert.same({ 3, 3, 3, 3, 3 }, windows:column "duration")
    assert.same({ "p3", "p3", "p3", "p3", "p0" }, windows:column "group")
    assert.same({ "clip 10", "clip 10", "clip 10", "clip 10", "clip 3" }, windows:column "recording")
    assert.same({ "windows: 1 of 3 recordings are shorter than 3 s and give none; pad = true keeps them" }, said)
    assert.equal(6, #clips:windows { size = 3, hop = 2, pad = true })
    assert.equal(4, #clips:windows { size = 3 })
    assert.same({ 0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8 },
      clips:take({ 1 }):windows({ size = 4, hop = 2 }):windows({ size = 2, hop = 1 }):column "offset")
    assert.same({ "a.wav" }, Dataset({ { path = "a.wav", duration = 3 } }):windows({ size = 3 }):column "group")
    fails("size must be seconds above 0, got nil", clips.windows, clips, {})
    fails("hop must be seconds above 0, got 0", clips.windows, clips, { size = 3, hop = 0 })
  end)

  it("finds a window where rounding would lose one", function()
    local clip = Dataset { { audio = Tensor.zeros { 22050 * 7 // 10 }, samplerate = 22050 } }
    assert.equal(7, #clip:windows { size = 0.1 })
  end)

  it("shows its first rows", function()
    local clips = Dataset { { name = "a", n = 1 }, { name = ("ö"):rep(50), n = 22.5 }, { name = "c" } }
    assert.equal("   name                                         n\n" ..
      "1  a                                            1\n" ..
      "2  …" .. ("ö"):rep(39) .. "  22.5\n" ..
      "... 3 rows in all", clips:show(2))
    assert.matches("%(100,%)", hearts():show())
    -- what does not fit into the width is named below
    assert.matches("^   name    label\n1  clip 1  normal\n%.%.%. 10 rows in all\nand", hearts():show(1, 20))
    assert.matches("\nand the columns patient, duration, samplerate, audio$", hearts():show(1, 20))
    fails("expected a number of rows, got x", clips.show, clips, "x")
  end)

  it("prints what is in it", function()
    local text = tostring(hearts())
    assert.equal([[
Dataset: 10 clips, 2 labels, 4 groups
label   clips      %  groups  min s  median s  max s   total
murmur      5   50.0       4   2.00      6.00  10.00  30.0 s
normal      5   50.0       3   1.00      5.00   9.00  25.0 s
all        10  100.0       4   1.00      5.50  10.00  55.0 s
sample rates: 100 Hz (10)
columns: name, label, patient, duration, samplerate, audio]], text)
    assert.equal("Dataset: empty", tostring(Dataset {}))
    assert.equal('{ name = "clip 1", label = "normal", patient = "p0", samplerate = 100, audio = Tensor (100,) }',
      tostring(hearts()[1]))
    local few = Dataset { { label = "a" }, { x = 1 } }
    assert.equal("Dataset: 2 clips, 1 label\n   label  x\n1  a\n2         1", tostring(few))
    assert.matches("%(none%) +3 ", tostring(few .. few .. few))
    local long = Dataset { { path = "/d/a.wav", name = "a.wav", label = "x", duration = 1, samplerate = 2 } }
    assert.equal("   name   label  duration  samplerate\n1  a.wav  x             1           2", long:show())
  end)
end)
