local lubdub = require "lubdub"
local csv = require "lubdub.csv"
local data = require "support.data"
local raises = require "support.raises"
local temporary = require "support.temporary"
local warning = require "lubdub.warning"
local warned = require "support.warned"

local datasets = lubdub.datasets

describe("the loaders", function()
  local said = warned(before_each, after_each)
  local folder, remove
  before_each(function() folder, remove = temporary.folder() end)
  after_each(function() remove() end)

  local function sound(name, rate, frames) temporary.write(folder, name, temporary.wav(rate, frames or 400)) end

  -- What a check found: problem = count.
  local function problems(clips)
    local found = {}
    for _, line in ipairs(clips:check { progress = false }) do found[line.problem] = line.count end
    return found
  end

  it("say what they expected where there is nothing", function()
    temporary.write(folder, "music/song.wav")
    for name, expected in pairs { physionet2016 = "training-a/a0001.wav", circor2022 = "training_data/2530_AV.wav",
      yaseen2018 = "AS_New/New_AS_001.wav", pascal = "set_a/normal__" } do
      raises(function() datasets[name](folder) end, "datasets." .. name .. ": " .. folder .. ": no recordings",
        expected)
      raises(function() datasets[name](folder .. "/nowhere") end, folder .. "/nowhere: No such file")
      raises(function() datasets[name]() end, "datasets." .. name .. ": expected a path, got nil")
    end
    raises(function() datasets.from_folder(folder .. "/music/song.wav") end, "not a folder")
    raises(function() return datasets.physionet end, "lubdub.datasets: there is no 'physionet'")
    assert.equal(datasets.folder, datasets.from_folder)
  end)

  describe("physionet2016", function()
    local function fill()
      for _, name in ipairs { "a0001", "a0002", "a0003" } do sound("training-a/" .. name .. ".wav", 2000) end
      temporary.write(folder, "training-a/REFERENCE.csv", "a0001,1\na0002,-1\na0003,1\n")
      temporary.write(folder, "training-a/REFERENCE-SQI.csv", "a0001,1,1\na0002,-1,0\na0003,1,1\n")
      sound("training-e/e00044.wav", 2000)
      sound("training-e/e00213.wav", 2000, 300)
      temporary.write(folder, "training-e/e00044.hea",
        "e00044 1 2000 400\ne00044.wav 16+44 1 16 0 0 0 0 PCG\n# Normal\n")
      temporary.write(folder, "training-e/e00213.hea", "e00213 1 2000 400\n# Abnormal\n")
    end

    it("reads labels, quality and databases", function()
      fill()
      local clips = datasets.physionet2016(folder)
      assert.same({ "training-a/a0001.wav", "training-a/a0002.wav", "training-a/a0003.wav", "training-e/e00044.wav",
        "training-e/e00213.wav" }, clips.name)
      assert.same({ "abnormal", "normal", "abnormal", "normal", "abnormal" }, clips.label)
      assert.same({ "a", "a", "a", "e", "e" }, clips.group)
      assert.same({ "good", "poor", "good", false, false }, clips:column("quality", false))
      assert.equal(clips[4].overlap, clips[5].overlap)
      assert.is_nil(clips[1].overlap)
      assert.same({}, said)
      assert.same({ ["same content"] = 1, ["same content, other label"] = 2 }, problems(clips))
      assert.equal(4, #datasets.physionet2016(folder, { quality = "good" }))
      assert.equal(3, #datasets.physionet2016(folder .. "/training-a"))
      local n = 0
      for _, test in clips:folds(lubdub.split.LeaveOneGroupOut()) do n = n + #test end
      assert.equal(5, n)
    end)

    it("tells what is missing or odd", function()
      fill()
      temporary.write(folder, "training-a/REFERENCE.csv", "a0001,1\na0002,1\na0009,1\n")
      sound("validation/a0001.wav", 2000)
      sound("training-b/b0001.wav", 2000)
      sound("training-a/noise.wav", 2000)
      sound("training-e/e00001.wav", 4000, 0)
      temporary.write(folder, "training-e/e00002.wav", "")
      temporary.write(folder, "training-e/e00003.wav", "RIFF what is this")
      local clips = datasets.physionet2016(folder)
      assert.equal(1, #said)
      assert.matches("^datasets.physionet2016: .*listed, but not there: 1 %(training%-a/a0009.wav%).*clips:check%(%)",
        said[1])
      local found = problems(clips)
      assert.equal(1, found["listed, but not there"])
      assert.equal(1, found["there, but not listed in REFERENCE.csv"])
      assert.equal(1, found["two tables, two labels"])
      assert.equal(1, found["name unknown to the set, left out"])
      assert.equal(1, found["copy of a training file, left out"])
      assert.equal(1, found["empty file"])
      assert.equal(1, found["unreadable header"])
      assert.equal(1, found["no sound in it (0 samples)"])
      assert.equal(1, found["sample rate not 2000 Hz"])
      assert.is_true(found["no label"] >= 4)
    end)

    it("names broken tables", function()
      fill()
      temporary.write(folder, "training-a/REFERENCE.csv", "a0001,1\na0002,yes\n")
      raises(function() datasets.physionet2016(folder) end,
        "REFERENCE.csv: line 2: the label of a0002 must be 1 or -1, got \"yes\"")
      temporary.write(folder, "training-a/REFERENCE.csv", "a0001,1\na0002\n")
      raises(function() datasets.physionet2016(folder) end, "REFERENCE.csv: line 2: 1 fields, expected 2")
      raises(function() datasets.physionet2016(folder, { quality = "poor" }) end, "quality must be true (all) or")
    end)
  end)

  describe("circor2022", function()
    local header = "Patient ID,Age,Sex,Height,Weight,Pregnancy status,Murmur,Murmur locations,Campaign,Additional ID\n"
    local function patient(id, murmur, outcome, locations, other, names)
      local lines = { id .. " " .. #names .. " 4000" }
      for _, name in ipairs(names) do
        sound("training_data/" .. id .. "_" .. name .. ".wav", 4000)
        temporary.write(folder, "training_data/" .. id .. "_" .. name .. ".tsv", "0\t1.5\t0\n1.5\t1.75\t1\n1.75\t2\t2")
        lines[#lines + 1] = ("%s %s_%s.hea %s_%s.wav %s_%s.tsv"):format(name:sub(1, 2), id, name, id, name, id, name)
      end
      for _, fact in ipairs { "Age: Child", "Sex: Female", "Height: 98.0", "Weight: nan", "Pregnancy status: False",
        "Murmur: " .. murmur, "Murmur locations: " .. locations, "Outcome: " .. outcome, "Campaign: CC2015",
        "Additional ID: " .. other } do lines[#lines + 1] = "#" .. fact end
      temporary.write(folder, "training_data/" .. id .. ".txt", table.concat(lines, "\r\n") .. "\r\n")
    end
    local function fill()
      patient("2530", "Absent", "Abnormal", "nan", "nan", { "AV", "PV" })
      patient("9979", "Present", "Normal", "AV+TV", "49622", { "AV", "PV_1", "PV_2" })
      patient("49622", "Unknown", "Normal", "nan", "9979", { "MV" })
      temporary.write(folder, "training_data.csv", header ..
        "2530,Child,Female,98.0,nan,False,Absent,nan,CC2015,nan\n" ..
        "9979,Child,Female,98.0,nan,False,Present,AV+TV,CC2015,49622\n" ..
        "49622,Child,Female,98.0,nan,False,Unknown,nan,CC2014,9979\n")
    end

    it("reads places, murmurs, outcomes, children who came twice", function()
      fill()
      local clips = datasets.circor2022(folder)
      assert.equal(6, #clips)
      assert.same({ "Absent", "Absent", "Unknown", "Present", "Present", "Present" }, clips.label)
      assert.same({ "AV", "PV", "MV", "AV", "PV", "PV" }, clips.location)
      assert.same({ "c2530", "c2530", "c9979", "c9979", "c9979", "c9979" }, clips.group)
      assert.same({ "2530", "2530", "49622", "9979", "9979", "9979" }, clips.patient)
      assert.same({ "none", "none", "none", true, false, false }, clips:column("audible", "none"))
      assert.same({ 1, 2 }, { clips[5].take, clips[6].take })
      assert.equal(98, clips[1].height)
      assert.is_nil(clips[1].weight)
      assert.is_false(clips[1].pregnant)
      assert.same({ "Abnormal", "Abnormal", "Normal", "Normal", "Normal", "Normal" },
        datasets.circor2022(folder, { label = "outcome" }).label)
      assert.same({}, said)
      assert.equal(6, #datasets.circor2022(folder .. "/training_data"))
      local states = datasets.segments(clips[1])
      assert.same({ "unannotated", "S1", "systole" }, states.state)
      assert.same({ 0, 1.5, 1.75 }, states.start)
      raises(function() datasets.circor2022(folder, { label = "age" }) end, 'label must be "murmur" or "outcome"')
    end)

    it("tells what is missing or odd", function()
      fill()
      os.remove(folder .. "/training_data/2530_PV.wav")
      os.remove(folder .. "/training_data/9979_AV.tsv")
      os.remove(folder .. "/training_data/49622.txt")
      sound("training_data/2530_TV.wav", 4000)
      temporary.write(folder, "training_data.csv", header ..
        "2530,Child,Female,98.0,nan,False,Present,nan,CC2015,nan\n" ..
        "1,Child,Female,98.0,nan,False,Present,nan,CC2015,nan\n" ..
        "49622,Child,Female,98.0,nan,False,Absent,nan,CC2014,nan\n")
      local clips = datasets.circor2022(folder)
      assert.equal(1, #said)
      assert.equal("Absent", clips:where({ patient = "49622" })[1].label)
      local found = problems(clips)
      assert.equal(1, found["listed, but not there"])
      assert.equal(1, found["patient listed, but not there"])
      assert.equal(1, found["there, but not listed in the patient's .txt"])
      assert.equal(2, found["no .tsv with the heart's states"])
      assert.equal(1, found["no .txt of the patient"])
      assert.equal(1, found["two tables, two murmur labels"])
      datasets.circor2022(folder, { label = "outcome" })
      assert.matches("no outcome: 1 %(49622%)", said[2])
    end)

    it("names broken tables", function()
      fill()
      temporary.write(folder, "training_data.csv", header .. "2530,Child\n")
      raises(function() datasets.circor2022(folder) end, "training_data.csv: line 2: 2 fields, but 10 columns")
      temporary.write(folder, "training_data.csv", "ID\n2530\n")
      raises(function() datasets.circor2022(folder) end, 'no column "Patient ID"; there are: ID')
      local tsv = temporary.write(folder, "x.tsv", "0\t1\t0\n1\t2\t7\n")
      local none, reason = datasets.segments(tsv)
      assert.is_nil(none)
      assert.matches("x.tsv: line 2: expected start, stop and a state", reason)
      assert.is_nil((datasets.segments(folder .. "/none.tsv")))
      raises(function() datasets.segments { path = "a" } end, "the row has no column segmentation")
      raises(function() datasets.segments(3) end, "expected a row or a path, got number")
    end)
  end)

  it("yaseen2018 knows which clips were cut from one recording", function()
    for _, name in ipairs { "AS_New/New_AS_001", "AS_New/New_AS_097", "N_New/New_N_001", "N_New/New_N_200",
      "MVP_New/New_MVP_201", "MR_New/New_MS_001" } do sound(name .. ".wav", 8000) end
    sound("N_New/silence.wav", 8000)
    local clips = datasets.yaseen2018(folder)
    assert.same({ "AS", "AS", "MS", "MVP", "N", "N" }, clips.label)
    assert.equal(clips[1].group, clips[2].group)
    assert.is_true(clips[1].group ~= clips[5].group)
    assert.equal("MVP-201", clips[4].group)
    assert.equal(1, #said)
    local found = problems(clips)
    assert.equal(1, found["name unknown to the set, left out"])
    assert.equal(1, found["class of the folder is not that of the name"])
    assert.equal(1, found["number unknown to the set, a group of its own"])
    assert.equal(5, found["classes with clips missing, of 200 each"])
  end)

  it("check any data set", function()
    sound("x/a.wav", 1000)
    sound("x/b.wav", 1000, 500)
    sound("y/c.wav", 1000, 500)
    sound("y/d.wav", 1000, 600)
    sound("y/e.wav", 2000, 600)
    sound("loose.wav", 1000, 700)
    local clips = datasets.from_folder(folder)
    assert.same({ ["in no folder, so without a label"] = 1, ["no label"] = 1, ["same content, other label"] = 1,
      ["sample rate not 1000 Hz, as most"] = 1 }, problems(clips))
    assert.matches("check of 6 clips from datasets.folder: .*: 4 kinds of problems\nproblem +count +examples\n",
      tostring(clips:check { progress = false }))
    assert.same({ "y/c.wav = x/b.wav" }, clips:check({ progress = false }):sort("problem")[3].names)
    local more = clips:where({ label = "x" }) .. lubdub.Dataset { { path = folder .. "/x/a.wav", label = "x" },
      { path = folder .. "/none.wav", label = "x" }, { label = "x" } }
    assert.same({ ["file not there"] = 1, ["path in several rows"] = 1, ["neither path nor audio"] = 1 },
      problems(more))
    local silent = lubdub.Dataset { { audio = lubdub.Tensor.zeros { 50 }, samplerate = 50 },
      { audio = lubdub.Tensor.zeros { 50 }, samplerate = 50 } }
    assert.same({ ["same content"] = 1 }, problems(silent))
    assert.equal("near silence (peak below 0.001)", silent:check({ silence = true, content = false })[1].problem)
    assert.matches("^check of 1 clips: nothing missing or odd", tostring(silent:head(1):check()))
    raises(function() silent:check { content = 1 } end, "Dataset:check: content must be true or false, got 1")
  end)
end)

describe("the mini sets", function()
  local mini = { physionet2016 = { 36, 2, 6 }, circor2022 = { 38, 3, 10 }, yaseen2018 = { 25, 5, 10 } }
  for name, expected in pairs(mini) do
    it("load: " .. name, function()
      local folder = data(name .. "-mini")
      if not folder then
        pending(("needs ../shared/data/%s-mini"):format(name))
        return
      end
      warning.on_warning(function() end)
      local clips = datasets[name](folder)
      warning.on_warning(nil)
      assert.equal(expected[1], #clips)
      assert.equal(expected[2], #clips:unique "label")
      assert.equal(expected[3], #clips:unique "group")
      assert.equal(1, #clips:check { progress = false }) -- all that is odd: the rest of the set is missing
    end)
  end

  it("have the groups that were found in the whole sets", function()
    local folder = data "groups"
    if not folder then
      pending "needs ../shared/data/groups"
      return
    end
    local known = {}
    for _, line in ipairs(csv.read(folder .. "/yaseen2018_groups.csv")) do known[line.path] = line.group end
    for _, line in ipairs(csv.read(folder .. "/circor2022_manifest.csv")) do known[line.path] = line end
    warning.on_warning(function() end)
    local yaseen, circor = data "yaseen2018-mini", data "circor2022-mini"
    for _, clip in (yaseen and datasets.yaseen2018(yaseen) or lubdub.Dataset {}):iter() do
      assert.equal(known[clip.name], clip.group)
    end
    for _, clip in (circor and datasets.circor2022(circor) or lubdub.Dataset {}):iter() do
      local line = known[clip.name]
      assert.same({ line.patient, line.group, line.location, line.murmur },
        { clip.patient, clip.group, clip.location, clip.murmur })
      assert.equal(line.audible_here, clip.audible == nil and "" or clip.audible and "1" or "0")
    end
    warning.on_warning(nil)
  end)
end)
