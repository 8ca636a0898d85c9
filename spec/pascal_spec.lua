local lubdub = require "lubdub"
local temporary = require "support.temporary"
local warning = require "lubdub.warning"
local warned = require "support.warned"
local golden = require "support.json" "pascal_split.json"
local recordings = require "support.data" "pascal2011"

local pascal = lubdub.datasets.pascal

-- The names of a few real recordings, empty.
local few = {
  "set_a/Aunlabelledtest__201012172010.wav", "set_a/artifact__201106010602.wav", "set_a/murmur__201108011114.wav",
  "set_a/murmur__201108222232.wav", "set_b/Bunlabelledtest__176_1307988171173_A1.wav",
  "set_b/murmur_noisymurmur_243_1309197760898_C.wav", "set_b/normal__103_1305031931979_D1.wav",
  "set_b/normal__146_1305031931979_D2.wav", "set_b/normal__278_1311163365896_A1.wav",
}

describe("datasets.pascal", function()
  local said = warned(before_each, after_each)
  local folder, remove
  before_each(function() folder, remove = temporary.folder() end)
  after_each(function() remove() end)

  local function fill()
    for _, name in ipairs(few) do temporary.write(folder, name) end
  end

  local function fails(pattern, ...)
    local ok, message = pcall(pascal, ...)
    assert.is_false(ok)
    assert.matches(pattern, message)
    return message
  end

  it("reads labels and groups from the names", function()
    fill()
    temporary.write(folder, "set_a/._murmur__201108222232.wav")
    temporary.write(folder, "set_a/notes.txt")
    local clips = pascal(folder)
    assert.same(few, clips:column "name")
    assert.equal(folder .. "/" .. few[1], clips[1].path)
    assert.same({ false, "artifact", "murmur", "murmur", false, "murmur", "normal", "normal", "normal" },
      clips:column("label", false))
    assert.same({ "a", "a", "a", "a", "b", "b", "b", "b", "b" }, clips:column "set")
    local groups = { "a-20101217", "a-20110601", "a-20110822", "a-20110822", "b-176", "b-243", "b-101", "b-101",
      "b-278" }
    assert.same(groups, clips:column "group")
    assert.same(groups, clips:column "patient")
    assert.equal("noisymurmur", clips[6].sublabel)
    assert.equal(1, #clips:where { sublabel = "noisymurmur" })
    assert.same({}, said)
  end)

  it("takes labels and groups from a manifest", function()
    fill()
    temporary.write(folder, "manifest.csv", "path,csv_fname,label,sublabel,group\r\n" ..
      few[2] .. ",x,artifact,,day one\r\n" .. '"' .. few[9] .. '",x,murmur,faint,b-1\r\n')
    local clips = pascal(folder)
    assert.equal("day one", clips[2].group)
    assert.equal("day one", clips[2].patient)
    assert.equal("murmur", clips[9].label)
    assert.equal("faint", clips[9].sublabel)
    assert.equal("b-101", clips[8].group)
    assert.equal(9, #clips)
    assert.same({}, said)
  end)

  it("understands the names in the challenge's tables, and says what is missing", function()
    fill()
    temporary.write(folder, "set_a.csv", "dataset,fname,label,sublabel\n" ..
      "a,set_a/artifact__201106010602.wav,artifact,\na,set_a/__201012172010.wav,,\n")
    temporary.write(folder, "set_b.csv", "dataset,fname,label,sublabel\n" ..
      "b,set_b/Bunlabelledtest_176_1307988171173_A1.wav,,\n" ..
      "b,set_b/Btraining_murmur_Btraining_noisymurmur_243_1309197760898_C.wav,murmur,noisymurmur\n" ..
      "b,set_b/Btraining_normal_278_1311163365896_A1.wav,normal,\n")
    pascal(folder)
    assert.same({}, said)
    temporary.write(folder, "set_b.csv", "dataset,fname,label,sublabel\n" ..
      "b,set_b/Btraining_normal_999_1311163365896_A1.wav,normal,\n")
    pascal(folder)
    assert.same({ ("datasets.pascal: %s: 1 of 3 listed recordings are not there, the first is %s")
      :format(folder, "set_b/normal__999_1311163365896_A1.wav") }, said)
  end)

  it("does with one of the two sets", function()
    temporary.write(folder, few[2])
    temporary.write(folder, "set_b.csv", "dataset,fname,label,sublabel\nb,set_b/Btraining_x_1_1_A.wav,x,\n")
    assert.equal(1, #pascal(folder))
    assert.same({}, said)
  end)

  it("leaves out files whose names say nothing, and conflicting ones where asked", function()
    temporary.write(folder, "set_a/noise.wav")
    temporary.write(folder, "set_a/murmur__201106141148.wav")
    temporary.write(folder, few[2])
    assert.equal(2, #pascal(folder))
    assert.same({ ("datasets.pascal: %s: left out 1 files whose names say no label, the first is set_a/noise.wav")
      :format(folder) }, said)
    assert.equal(1, #pascal(folder, { conflicts = false }))
  end)

  it("names a folder that is not there, or empty, or broken", function()
    local message = fails("No such file or directory", folder .. "/nowhere")
    assert.is_truthy(message:find(folder .. "/nowhere", 1, true))
    assert.is_truthy(fails("no recordings of the PASCAL set in it", folder):find(folder, 1, true))
    local file = temporary.write(folder, "a file", "x")
    assert.is_truthy(fails("not a folder", file):find(file, 1, true))
    fill()
    temporary.write(folder, "manifest.csv", "path,label\n1,2,3\n")
    fails("manifest.csv: line 2: 3 fields, but 2 columns", folder)
    temporary.write(folder, "manifest.csv", "name,label\n1,2\n")
    fails('manifest.csv: no column "path"', folder)
    fails("expected a path, got nil", nil)
    fails("conflicts", folder, { conflict = true })
  end)
end)

describe("the PASCAL recordings", function()
  if not recordings then
    pending "are not there: ../shared/data/pascal2011"
    return
  end

  it("are the same with and without the manifest", function()
    local lfs = require "lfs"
    local folder, remove = temporary.folder()
    local here = lfs.currentdir()
    for _, set in ipairs { "set_a", "set_b" } do
      assert(lfs.link(here .. "/" .. recordings .. "/" .. set, folder .. "/" .. set, true))
    end
    local with, without = pascal(recordings), pascal(folder)
    remove()
    assert.equal(832, #with)
    assert.same(with:column "name", without:column "name")
    for _, column in ipairs { "label", "sublabel", "set", "group", "patient" } do
      assert.same(with:column(column, false), without:column(column, false))
    end
    assert.equal(351, with:value_counts("label").normal)
    assert.equal(247, #with:where { label = false })
    assert.equal(826, #pascal(recordings, { conflicts = false }))
  end)

  it("give the notebook's 404 clips and scikit-learn's 323 and 81", function()
    local clips = pascal(recordings):filter(function(clip) return clip.label and clip.duration >= 4 end)
    assert.equal(golden.clips, #clips)
    local counts = clips:value_counts "label"
    assert.same({ 216, 102, 40, 31, 15 },
      { counts.normal, counts.murmur, counts.artifact, counts.extrastole, counts.extrahls })

    warning.on_warning(function() end)
    local rest, test = clips:shuffle(42):split { test_size = 0.2, seed = 42 }
    warning.on_warning(nil)
    assert.same(golden.test, test:column "name")
    local place, train = {}, {}
    for i, clip in clips:iter() do place[clip.name] = i end
    for i, clip in rest:iter() do train[i] = place[clip.name] end
    assert.same(golden.train, train)
  end)
end)
