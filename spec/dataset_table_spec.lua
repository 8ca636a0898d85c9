local lubdub = require "lubdub"
local golden = require "support.json" "tables.json"
local raises = require "support.raises"
local temporary = require "support.temporary"
local warned = require "support.warned"

local Dataset = lubdub.Dataset

local function near(a, b)
  if a == nil or b == nil then return a == nil and b == nil end
  return math.abs(a - b) <= 1e-12 * math.max(1, math.abs(a), math.abs(b))
end

describe("a data set as a table", function()
  local said = warned(before_each, after_each)

  it("describes, groups and joins as pandas does", function()
    for seed, case in ipairs(golden) do
      local clips = Dataset(case.rows)
      if case.describe.count > 0 then
        local line = clips:describe("value")[1]
        for name, expected in pairs(case.describe) do
          assert.is_true(near(line[name], expected), ("seed %d: %s: %s, %s"):format(seed, name, line[name], expected))
        end
        for _, name in ipairs { "mean", "median", "sum", "min", "max" } do
          for _, row in ipairs(clips:group_by("label")[name](clips:group_by "label", "value")) do
            local expected = case[name][row.label]
            if name == "sum" then expected = expected or 0 end
            assert.is_true(near(row.value, expected), ("seed %d: %s of %s"):format(seed, name, row.label))
          end
        end
      end
      local groups, counts, two = clips:group_by "label", {}, {}
      for _, row in ipairs(groups:count()) do counts[row.label] = row.count end
      assert.same(case.count, counts)
      counts = {}
      for _, row in ipairs(groups:nunique "patient") do counts[row.label] = row.patient end
      assert.same(case.nunique, counts)
      for i, row in ipairs(clips:group_by("site", "label"):count()) do two[i] = { row.site, row.label, row.count } end
      assert.same(case.two, two)
      for _, how in ipairs { "left", "inner" } do
        local joined = clips:join({ { patient = 0, age = 40 }, { patient = 1, age = 50 }, { patient = 3, age = 60 } },
          { on = "patient", how = how })
        local pairs_of = {}
        for i, clip in joined:iter() do pairs_of[i] = { clip.patient, clip.age } end
        local expected = {}
        for i, pair in ipairs(case[how]) do expected[i] = { pair[1], pair[2] } end
        assert.same(expected, pairs_of)
      end
    end
  end)

  it("sorts rows without a value to the end, and numbers as labels by their size", function()
    local t = Dataset { { n = 2, label = 10 }, { label = 9 }, { n = 1, label = 10 } }
    assert.same({ 1, 2, false }, t:sort("n"):column("n", false))
    assert.same({ 2, 1, false }, t:sort("n", { reverse = true }):column("n", false))
    assert.same({ 2, 1, false }, t:sort("n", { ascending = false }):column("n", false))
    assert.same({ 1, 2, false }, t:sort("n", { ascending = false, reverse = true }):column("n", false))
    assert.matches("\n9 .*\n10 ", tostring(t .. t))
    raises(function() t:sort "m" end, 'Dataset:sort: no column "m"')
    assert.same({ 9, 10 }, t:unique "label")
    local mixed = Dataset { { label = 3 }, { label = "x" }, { label = 3 } }
    assert.matches("\n3 .*\nx ", tostring(mixed .. mixed))
  end)

  it("does with an empty selection what can be done", function()
    local none = Dataset({ { label = "x", n = 1 } }):where { label = "y" }
    assert.equal(0, #none)
    assert.equal("Dataset: empty", tostring(none))
    assert.same({}, none:column "label")
    assert.same({}, none:unique "label")
    assert.equal(0, #none:value_counts "label")
    assert.equal(0, #none:group_by "label")
    assert.equal(0, #none:describe())
    assert.equal(0, #none:sort("label"):head():tail():shuffle(1):windows { size = 1 })
    assert.equal(1, #(none .. Dataset { { label = "z" } }))
    raises(function() none:sample(1) end, "nothing to choose from")
    raises(function() none:split() end, "Dataset:split: the data set is empty")
    raises(function() none:extract(lubdub.MFCC(), { duration = 1 }) end, "extract: the data set is empty")
  end)

  local clips = Dataset {
    { path = "a.wav", label = "x", patient = "01", n = 3 }, { path = "b.wav", label = "y", patient = "02", n = 1 },
    { path = "c.wav", label = "x", patient = "02" }, { path = "d.wav", label = "y", patient = "10", n = 1 },
  }

  it("groups by one column and by several", function()
    local groups, seen = clips:group_by "label", {}
    assert.equal(2, #groups)
    for round = 1, 2 do
      for label, part in groups do seen[#seen + 1] = ("%d %s %d"):format(round, label, #part) end
    end
    assert.same({ "1 x 2", "1 y 2", "2 x 2", "2 y 2" }, seen)
    seen = {}
    for key, part in clips:group_by("label", "patient") do seen[#seen + 1] = tostring(key) .. ": " .. #part end
    assert.same({ "x, 01: 1", "x, 02: 1", "y, 02: 1", "y, 10: 1" }, seen)
    assert.same({ "x", "y" }, groups:keys())
    assert.equal(2, #groups:get "y")
    assert.equal("c.wav", clips:group_by("label", "patient"):get("x", "02")[1].path)
    assert.is_nil(groups:get "z")
    assert.equal("GroupBy label: 2 parts\nlabel  count\nx          2\ny          2", tostring(groups))
    assert.equal("label  n\nx      3\ny      1", tostring(groups:mean "n"))
    raises(function() clips:group_by() end, "Dataset:group_by: expected the name of a column, got none")
    raises(function() clips:group_by "lable" end, 'no column "lable"; there are: path, label, patient')
    raises(function() groups:mean "path" end, 'group_by:mean: column "path" holds a string in row 1')
  end)

  it("takes names as a list, too, and says what it does not know", function()
    assert.equal(tostring(clips:group_by("label", "patient")), tostring(clips:group_by { "label", "patient" }))
    assert.same(clips:select("n", "path"):columns(), clips:select { "n", "path" }:columns())
    assert.same({ "label", "patient" }, clips:drop { "path", "n" }:columns())
    assert.same({ "a.wav", "b.wav", "c.wav" }, clips:drop_duplicates { "label", "n" }:column "path")
    raises(function() clips:select() end, "Dataset:select: expected the name of a column, got none")
    raises(function() clips:select {} end, "Dataset:select: expected the name of a column, got none")
    raises(function() clips:select { "label", "m" } end, 'Dataset:select: no column "m"; there are: path, label')
    raises(function() clips:group_by({ "label" }, "patient") end, "Dataset:group_by: expected the name of a column")
    raises(function() return clips:group_by("label"):counts() end,
      "group_by: there is no method 'counts'; did you mean 'count'? (a part is groups:get(value))")
    raises(function() return clips:group_by("label").x end, "group_by: there is no method 'x'")
  end)

  it("describes the parts of a grouping", function()
    local groups = clips:group_by "label"
    assert.equal("label  count  mean  std  min  25%  50%  75%  max\nx          1     3         3    3    3    3    3\n"
      .. "y          2     1    0    1    1    1    1    1", tostring(groups:describe "n"))
    assert.same({ label = "x", count = 2, unique = 2, top = "01", freq = 1 }, groups:describe("patient")[1])
    assert.same({ label = "x", count = 0 }, clips:where({ label = "x", patient = "02" })
      :concat(clips:where { label = "y" }):group_by("label"):describe("n")[1])
    assert.equal("label  n\nx\ny      0", tostring(groups:std "n"))
    raises(function() groups:describe "m" end, 'group_by:describe: no column "m"')
    assert.same({ "y", "x" }, groups:count():sort("label", { ascending = false }):column "label")
  end)

  it("prints distinct values", function()
    assert.equal('{ "x", "y" }', tostring(clips:unique "label"))
    assert.same({ 1, 3 }, clips:unique "n")
    local many = {}
    for i = 1, 30 do many[i] = { n = i } end
    assert.equal("{ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, ... (30 in all) }",
      tostring(Dataset(many):unique "n"))
  end)

  it("describes columns of names, too", function()
    local line = clips:describe("label")[1]
    assert.same({ column = "label", count = 4, unique = 2, top = "x", freq = 2 }, line)
    assert.equal("column  count     mean     std  min  25%  50%  75%  max\n" ..
      "n           3  1.66667  1.1547    1    1    1    2    3", tostring(clips:select("label", "n"):describe()))
    raises(function() clips:describe "labl" end, 'Dataset:describe: no column "labl"')
    assert.same({ "label" }, Dataset({ { label = "a" } }):describe():column "column")
  end)

  it("drops, renames, deduplicates, and shows both ends", function()
    assert.same({ "label", "patient" }, clips:drop("path", "n"):columns())
    raises(function() clips:drop "x" end, 'Dataset:drop: no column "x"')
    local renamed = clips:rename { patient = "subject", n = "patient" }
    assert.equal("01", renamed[1].subject)
    assert.equal(3, renamed[1].patient)
    raises(function() clips:rename { n = "label" } end, 'there is a column "label" already')
    raises(function() clips:rename { m = "x" } end, 'no column "m"')
    raises(function() clips:rename "m" end, "Dataset:rename: expected")
    assert.same({ "a.wav", "b.wav" }, clips:drop_duplicates("label"):column "path")
    assert.same({ "a.wav", "b.wav", "c.wav" }, clips:drop_duplicates("label", "n"):column "path")
    raises(function() clips:drop_duplicates() end, "expected the name of a column")
    assert.same({ "c.wav", "d.wav" }, clips:tail(2):column "path")
    assert.equal(4, #clips:tail())
    assert.equal(0, #clips:tail(0))
    raises(function() clips:head(-1) end, "Dataset:head: expected a number of rows, got -1")
    assert.same({ "a.wav", "c.wav", "b.wav", "d.wav" }, clips:sort({ "label", "patient" }):column "path")
  end)

  it("gives columns as fields, and names mistakes", function()
    assert.same({ "x", "y", "x", "y" }, clips.label)
    assert.equal(1, clips.n[4])
    assert.is_nil(clips.n[3])
    raises(function() clips:fillter(print) end,
      "Dataset: there is no method or column 'fillter'; did you mean 'filter'?")
    raises(function() return clips.lable end, "there is no method or column 'lable'; did you mean 'label'?")
    local seen = 0
    for i, clip in pairs(clips) do seen = seen + (clips[i] == clip and 1 or 0) end
    assert.equal(4, seen)
  end)

  it("counts, and draws as pandas does", function()
    assert.equal(4, clips:count())
    assert.equal(3, clips:count "n")
    raises(function() clips:count "m" end, 'Dataset:count: no column "m"')
    assert.same(clips:sample(2, { seed = 3 }).path, clips:sample({ frac = 0.5, random_state = 3 }).path)
    assert.same({ 1, 3, 0 }, { #clips:sample(), #clips:sample { n = 3 }, #clips:sample { frac = 0.125 } })
    raises(function() clips:sample(2, { frac = 0.5 }) end, "give n or frac, not both")
    raises(function() clips:sample { frac = "x" } end, "frac must be a share of the rows, got x")
    raises(function() clips:sample(5) end, "cannot take 5 of 4 without replacement")
  end)

  it("joins a CSV file by a key", function()
    local folder, remove = temporary.folder()
    local path = temporary.write(folder, "patients.csv", "subject,age,site\r\n01,40,A\r\n10,,B\r\n")
    local joined = clips:join(path, { left_on = "patient", right_on = "subject" })
    assert.same({ 40, false, false, false }, joined:column("age", false))
    assert.same({ "A", false, false, "B" }, joined:column("site", false))
    assert.equal(2, #clips:merge(path, { left_on = "patient", right_on = "subject", how = "inner" }))
    -- a key that is text here and a number there
    temporary.write(folder, "patients.csv", "patient,n\n10,7\n")
    assert.equal(7, clips:join(path, { on = "patient", suffix = "_2" })[4].n_2)
    assert.equal(7, clips:join(path, { on = "patient", overwrite = true })[4].n)
    assert.equal(3, clips:join(path, { on = "patient", overwrite = true })[1].n)
    assert.same({}, said)
    raises(function() clips:join(path, "patient") end, "both sides have the columns n; suffix = ")
    temporary.write(folder, "patients.csv", "patient,m\n99,7\n")
    clips:join(path, "patient")
    assert.matches('Dataset:join: no value of column "patient" is in column "patient" of ', said[1])
    temporary.write(folder, "patients.csv", "patient,m\n10,7\n10,8\n")
    raises(function() clips:join(path, "patient") end, '"10" twice in column "patient" (rows 1 and 2)')
    raises(function() clips:join(path, "patent") end, 'Dataset:join: no column "patent"')
    raises(function() clips:join(path, { left_on = "patient", right_on = "x" }) end, 'patients.csv: no column "x"')
    raises(function() clips:join(path) end, "say on which column")
    raises(function() clips:join(path, { on = "patient", how = "outer" }) end,
      'how must be "left" or "inner", got outer')
    raises(function() clips:join(folder .. "/none.csv", "patient") end, "none.csv: No such file")
    raises(function() clips:join(3, "patient") end, "expected the path of a CSV file, a data set or a list of rows")
    remove()
  end)

  describe("and CSV files", function()
    local folder, remove
    before_each(function() folder, remove = temporary.folder() end)
    after_each(function() remove() end)

    it("comes back from what was written", function()
      local odd = Dataset {
        { path = 'say "hi", you.wav', label = "two\nlines", n = 1, x = 0.1, ok = true },
        { path = "ü.wav", label = " blank ", n = -3, x = 1e300, ok = false },
        { path = "c.wav", n = 2 ^ 53 // 1 | 0, x = 2.0, id = "007" },
      }
      local path = folder .. "/odd.csv"
      assert.is_true(odd:to_csv(path))
      local back = lubdub.datasets.from_csv(path)
      assert.equal(3, #back)
      for i, clip in odd:iter() do
        for _, name in ipairs { "path", "label", "n", "x", "ok", "id" } do assert.equal(clip[name], back[i][name]) end
      end
      assert.equal("integer", math.type(back[1].n))
      assert.equal("float", math.type(back[3].x))
      local file = assert(io.open(path, "rb"))
      assert.equal('path,label,id,n,ok,x\r\n"say ""hi"", you.wav","two\nlines",,1,true,0.1\r\n',
        file:read("a"):match "^.-0%.1\r\n")
      file:close()
      assert.same(3, #Dataset.from_csv(path))
    end)

    it("leaves out what no field can hold, and writes the columns that are asked for", function()
      local hearts = Dataset { { audio = lubdub.Tensor.zeros { 8 }, samplerate = 4, label = "a" } }
      local path = folder .. "/hearts.csv"
      assert.is_true(hearts:to_csv(path))
      assert.same({ "to_csv: left out what no CSV field can hold: audio" }, said)
      assert.is_true(hearts:to_csv(path, { columns = { "duration", "label" } }))
      assert.same({ { 2.0, "a" } }, { { lubdub.datasets.from_csv(path)[1].duration, "a" } })
      raises(function() hearts:to_csv(path, { columns = { "audio" } }) end, 'column "audio" has a tensor in row 1')
      raises(function() hearts:to_csv(path, { columns = { "x" } }) end, 'no column "x"')
      raises(function() hearts:to_csv() end, "Dataset:to_csv: expected a path, got nil")
      local done, reason = hearts:to_csv(folder .. "/nowhere/x.csv")
      assert.is_nil(done)
      assert.matches("nowhere/x.csv", reason)
    end)

    it("finds recordings beside the table", function()
      temporary.write(folder, "sub/a.wav", temporary.wav(1000, 500))
      local path = temporary.write(folder, "t.csv",
        "\xEF\xBB\xBFfile name,diagnosis,subject\r\nsub/a.wav,murmur,7\r\nb.wav,,8\r\n")
      local found = lubdub.datasets.from_csv(path,
        { columns = { path = "file name", label = "diagnosis", patient = "subject" }, dtype = { subject = "string" } })
      assert.equal(folder .. "/sub/a.wav", found[1].path)
      assert.equal(0.5, found[1].duration)
      assert.equal("b.wav", found[2].path)
      assert.same({ ("datasets.from_csv: %s: 1 of 2 files are not there, the first is b.wav"):format(path) }, said)
      assert.equal("7", found[1].patient)
      assert.is_nil(found[2].label)
      assert.equal("/data/b.wav",
        lubdub.datasets.from_csv(path, { columns = { path = "file name" }, root = "/data" })[2].path)
    end)

    it("says by line what is wrong", function()
      local function fails(text, message, given)
        local path = temporary.write(folder, "bad.csv", text)
        raises(function() lubdub.datasets.from_csv(path, given) end, "datasets.from_csv: " .. path .. ": " .. message)
      end
      fails("a,b\n1,2\n1,2,3\n", "line 3: 3 fields, but 2 columns")
      fails("a,b\n1\n", "line 2: 1 fields, but 2 columns")
      fails('a,b\n1,"2\n', "line 2: a quote is never closed")
      fails('a,b\n"x\ny",2\n3\n', "line 4: 1 fields, but 2 columns")
      fails("a,b,a\n1,2,3\n", 'line 1: columns 1 and 3 are both called "a"')
      fails("", "empty, not even a line of column names")
      fails("\xFF\xFEa\0", "UTF-16; save it as UTF-8")
      fails("path,n\na.wav,1\nb.wav,2\na.wav,3\n", "lines 2 and 4 have the same path, a.wav; duplicates = true")
      fails("path,n\na.wav,x\n", 'line 2: "x" in column "n" is no number', { dtype = { n = "number" } })
      fails("path\na.wav\n", 'no column "n" for dtype; there are: path', { dtype = { n = "number" } })
      fails("path\na.wav\n", 'no column "file"; there are: path', { columns = { path = "file" } })
      fails("path,file\na.wav,b\n", 'there is a column "path" already, besides "file"', { columns = { path = "file" } })
      local path = temporary.write(folder, "t.csv", "path;offset\na.wav;0\na.wav;3\na.wav;3\n")
      assert.equal(3, #lubdub.datasets.from_csv(path, { separator = ";", duplicates = true }))
      raises(function() lubdub.datasets.from_csv(path, { separator = ";" }) end, "lines 3 and 4 have the same path")
      raises(function() lubdub.datasets.from_csv(path, { separator = "ab" }) end, "separator must be one character")
      raises(function() lubdub.datasets.from_csv(path, { dtype = "int" }) end, 'dtype must be "string"')
      raises(function() lubdub.datasets.from_csv(path, { root = 3 }) end, "root must be a folder, got number")
      raises(function() lubdub.datasets.from_csv(folder .. "/none.csv") end, "none.csv: No such file")
      raises(function() lubdub.datasets.from_csv(folder) end, "Is a directory")
      raises(function() lubdub.datasets.from_csv() end, "expected a path, got nil")
    end)

    it("reads numbers, truth and holes as such, and names as names", function()
      local path = temporary.write(folder, "t.csv",
        "a,b,c,d,e,f,g,\n1,1.5,true,007,NA,1e3,123456789012345678901,0\n,-2,False,8,,2,3,1\n")
      local t = lubdub.datasets.from_csv(path)
      assert.same({ 1, false }, t:column("a", false))
      assert.same({ 1.5, -2 }, t:column "b")
      assert.same({ true, false }, t:column "c")
      assert.same({ "007", "8" }, t:column "d")
      assert.is_nil(t[1].e)
      assert.same({ 1000, 2 }, t:column "f")
      assert.equal("123456789012345678901", t[1].g)
      assert.same({ 0, 1 }, t:column "unnamed")
      assert.equal(0, #lubdub.datasets.from_csv(temporary.write(folder, "t.csv", "a,b\n")))
    end)
  end)

  it("prints tables of results", function()
    local rows = { { name = "b", score = 0.5 }, { name = "a" }, { name = "c", score = 2 } }
    local t = lubdub.Table({ "name", "score" }, rows, { title = "some", note = "end", formats = { score = "%.2f" } })
    assert.equal("some\nname  score\nb      0.50\na\nc      2.00\nend", tostring(t))
    assert.same({ "c", "b", "a" }, t:sort("score", { reverse = true }).name)
    assert.equal(3, #t)
    assert.equal(2, t[3].score)
    assert.same({ "name", "score" }, t:columns())
    assert.equal(1, #t:head(1))
    assert.is_true(lubdub.Table.is(t))
    raises(function() t:sort "x" end, 'Table:sort: no column "x"; there are: name, score')
    raises(function() t[1] = {} end, "read-only")
    local folder, remove = temporary.folder()
    assert.is_true(t:to_csv(folder .. "/t.csv"))
    assert.same({ "b", "a", "c" }, lubdub.datasets.from_csv(folder .. "/t.csv"):column "name")
    remove()
  end)
end)
