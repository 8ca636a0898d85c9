local lubdub = require "lubdub"
local h5 = require "lubdub.h5"
local Tensor = lubdub.Tensor

local folder

local function path(name) return folder .. "/" .. name end

local function slurp(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read "a"
end

local function spill(name, bytes)
  local file <close> = assert(io.open(name, "wb"))
  assert(file:write(bytes))
end

local function exists(name)
  local file <close> = io.open(name, "rb")
  return file ~= nil
end

-- Writes with `fill(file)`, and gives the file opened again.
local function written(fill)
  local file <close> = h5.create()
  fill(file)
  assert(file:save(path "t.h5"))
  return assert(h5.open(path "t.h5"))
end

-- Runs Lua code in a process of its own, after the shell's `before`; gives what it printed, stderr included.
local function run(before, code)
  local script = path "run.lua"
  spill(script, ("package.path, package.cpath = %q, %q\n"):format(package.path, package.cpath) .. code)
  local pipe <close> = assert(io.popen(("(%s; %s %s) 2>&1"):format(before, os.getenv "LUA" or "lua5.4", script)))
  return pipe:read "a"
end

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir -p '" .. folder .. "'"))
end)

teardown(function() os.execute("rm -rf '" .. folder .. "'") end)

describe("h5: an image", function()
  it("is what save writes, until the file is used again", function()
    local file = h5.create()
    file:write("/x", Tensor.arange(1000))
    local image = file:image()
    local bytes = tostring(image)
    assert(file:save(path "image.h5"))
    assert.equal(slurp(path "image.h5"), bytes)
    assert.equal("\0\0\0\0", bytes:sub(21, 24)) -- not noted as open
    assert.equal("", tostring(image))
    image = file:image()
    assert.equal(bytes, tostring(image))
    file:close()
    assert.equal("", tostring(image))
    image = nil -- luacheck: ignore
    file = nil -- luacheck: ignore
    collectgarbage()
    local alone = (function() local made = h5.create(); made:group "/g"; return made:image() end)()
    collectgarbage()
    assert.is_true(#tostring(alone) > 96) -- it keeps its file
    assert.has_error(function() require("lubdub.zip").write(path "t.zip", { { "a", 3 } }) end)
  end)
end)

describe("h5: large arrays, which are not copied,", function()
  -- Sizes around the one from which on an array is lent, and such that HDF5's own parts lie between them.
  local sizes = { 5, 4095, 4096, 4097, 1, 60000, 0, 8192, 300000, 12, 4096 }

  local function make(order, looks)
    local file = h5.create()
    for i, size in ipairs(order) do
      local group = ("/g%d/h"):format(i % 3)
      assert(file:write(("%s/x%d"):format(group, i), Tensor.randn { size, seed = i }))
      if i % 2 == 0 then assert(file:set_attribute(group, "a" .. i, ("text "):rep(i * 50))) end
      if looks then assert.is_true(#tostring(file:image()) > 4 * size) end
      if i % 4 == 0 then collectgarbage() end -- the tensors stay, though only the file knows them
    end
    return file
  end

  local function check_numbers(name, order)
    local file <close> = assert(h5.open(path(name)))
    for i, size in ipairs(order) do
      local object = ("/g%d/h/x%d"):format(i % 3, i)
      assert.equal(Tensor.randn({ size, seed = i }):to_bytes(), file:read(object):to_bytes(), object)
      if i % 2 == 0 then assert.equal(("text "):rep(i * 50), file:attribute(("/g%d/h"):format(i % 3), "a" .. i)) end
    end
  end

  it("lie where the file says", function()
    for seed = 1, 20 do
      local order = require("lubdub.random").RandomState(seed):permutation(#sizes)
      for i, k in ipairs(order) do order[i] = sizes[k] end
      local file <close> = make(order)
      assert(file:save(path "lent.h5"))
      check_numbers("lent.h5", order)
      local again <close> = make(order)
      assert.is_true(tostring(again:image()) == slurp(path "lent.h5"))
    end
  end)

  it("also where a file grows behind its image", function()
    local file <close> = make(sizes, true)
    assert(file:save(path "looked.h5"))
    check_numbers("looked.h5", sizes)
  end)
end)

describe("h5: attributes", function()
  it("come back as they went in", function()
    local lists = { {}, { "a" }, { "conv2d", "a much longer name", "d" }, { "ä", "ß€" }, { "", "x" } }
    local file <close> = written(function(f)
      f:group "/g/h"
      f:set_attribute("/", "ascii", '{"a": [1, null]}')
      f:set_attribute("/g/h", "utf8", "Herztöne 心")
      f:set_attribute("/g", "empty", "")
      f:set_attribute("/g", "long", ("x"):rep(200000))
      for i, list in ipairs(lists) do f:set_attribute("/g/h", "list" .. i, list) end
    end)
    assert.equal('{"a": [1, null]}', file:attribute("/", "ascii"))
    assert.equal("Herztöne 心", file:attribute("/g/h", "utf8"))
    assert.equal("", file:attribute("/g", "empty"))
    assert.equal(200000, #file:attribute("/g", "long"))
    for i, list in ipairs(lists) do assert.same(list, file:attribute("g/h", "list" .. i)) end
  end)

  it("are nil where there is none, and a failure where there is no object", function()
    local file <close> = written(function(f) f:group "/g" end)
    assert.equal(1, select("#", file:attribute("/g", "none")))
    assert.is_nil(file:attribute("/g", "none"))
    local value, reason = file:attribute("/nothing", "none")
    assert.is_nil(value)
    assert.equal(path "t.h5" .. ": /nothing: is missing", reason)
  end)

  it("are replaced when written again", function()
    local file <close> = written(function(f)
      f:set_attribute("/", "a", "first")
      f:set_attribute("/", "a", { "now", "a list" })
    end)
    assert.same({ "now", "a list" }, file:attribute("/", "a"))
  end)

  it("refuse elements that are no strings, and lists above HDF5's 64 KB", function()
    local file <close> = h5.create()
    assert.error_matches(function() file:set_attribute("/", "a", { "x", 2 }) end,
      "element 2 must be a string, got number")
    local long = {}
    for i = 1, 1000 do long[i] = ("y"):rep(100) end
    local ok, reason = file:set_attribute("/", "a", long)
    assert.is_nil(ok)
    assert.matches("^new HDF5 file: /: attribute a cannot be written", reason)
  end)
end)

describe("h5: arrays", function()
  it("of any rank come back bit for bit, views too", function()
    local random = Tensor.randn { 4, 5, 6, seed = 1 }
    local odd = Tensor { 0 / 0, 1 / 0, -1 / 0, -0.0, 1e-45, 3.4028234663852886e38 }
    local tensors = { odd, random, random:permute { 3, 1, 2 }, random[2], Tensor.ones { 1, 2, 1, 2, 1, 2, 1, 2 },
      Tensor.zeros { 0, 3 }, Tensor.full { value = 7 } }
    local file <close> = written(function(f)
      for i, t in ipairs(tensors) do assert(f:write("/deep/er/" .. i, t)) end
    end)
    for i, t in ipairs(tensors) do
      local back = assert(file:read("/deep/er/" .. i))
      assert.same(t:shape(), back:shape())
      assert.equal(t:to_bytes(), back:to_bytes())
      assert.same({ t:shape(), "float32" }, { file:shape("/deep/er/" .. i) })
    end
  end)

  it("of numbers keep integers and doubles exact", function()
    local file <close> = written(function(f)
      f:write("/most", math.maxinteger)
      f:write("/least", math.mininteger)
      f:write("/third", 1 / 3)
    end)
    assert.same({ math.maxinteger }, file:numbers "/most")
    assert.equal("integer", math.type(file:numbers "/most"[1]))
    assert.same({ math.mininteger }, file:numbers "/least")
    assert.same({ 1 / 3 }, file:numbers "/third")
    assert.same({ {}, "int64" }, { file:shape "/most" })
    assert.same({ {}, "float64" }, { file:shape "/third" })
  end)

  it("are not written twice, nor over a group, nor below an array", function()
    local file <close> = h5.create()
    assert(file:write("/a", 1))
    assert.matches("/a: the dataset cannot be written %(", select(2, file:write("/a", 2)))
    assert.matches("/a/b: the dataset cannot be written %(", select(2, file:write("/a/b", 2)))
    assert(file:group "/g")
    assert.matches("/g: the dataset cannot be written %(", select(2, file:write("/g", 2)))
    assert.matches("/a: the group cannot be made %(", select(2, file:group "/a"))
    assert.error_matches(function() file:write("/b", "text") end, "Tensor expected")
    assert(file:save(path "t.h5"))
    local back <close> = h5.open(path "t.h5")
    assert.equal(path "t.h5" .. ": /g: is no dataset", select(2, back:read "/g"))
    assert.equal(path "t.h5" .. ": /none: is missing", select(2, back:read "/none"))
    assert.equal(path "t.h5" .. ": /a: is no group", select(2, back:members "/a"))
  end)
end)

describe("h5: files", function()
  it("say what is in them", function()
    local file <close> = written(function(f)
      f:group "/b/c"
      f:write("/a", 1)
      f:group "/B"
      f:group "/b" -- again: nothing happens
    end)
    assert.same({ "B", "a", "b" }, file:members "/")
    assert.same({}, file:members "/b/c")
    assert.equal("dataset", file:kind "/a")
    assert.equal("group", file:kind "/b/c")
    assert.equal("group", file:kind "/")
    assert.is_nil(file:kind "/z")
    assert.is_nil(file:kind "/a/below")
    assert.equal("h5.File(" .. path "t.h5" .. ")", tostring(file))
    file:close()
    file:close()
    assert.equal("h5.File(closed)", tostring(file))
    assert.error_matches(function() return file:kind "/" end, "the file is closed")
  end)

  it("with the same contents have the same bytes, and several may be open at once", function()
    local function fill(f)
      f:write("/a/b", Tensor.randn { 30, 40, seed = 2 })
      f:set_attribute("/a", "names", { "x", "yy" })
    end
    local one <close> = h5.create()
    local two <close> = h5.create()
    fill(one)
    fill(two)
    assert(one:save(path "one.h5"))
    assert(two:save(path "two.h5"))
    assert.equal(slurp(path "one.h5"), slurp(path "two.h5"))
    assert(one:write("/more", 1)) -- a saved file can go on
    assert(one:save(path "one.h5"))
    local again <close> = h5.open(path "one.h5")
    assert.same({ "a", "more" }, again:members "/")
  end)

  it("that are none are refused with their path and the reason", function()
    spill(path "empty.h5", "")
    spill(path "text.h5", "this is no HDF5 file")
    local reasons = {
      [path "none.h5"] = ": No such file or directory",
      [path "text.h5" .. "/x.h5"] = ": Not a directory",
      [folder] = ": Is a directory",
      ["/dev/null"] = ": not a regular file",
      [path "empty.h5"] = ": the file is empty",
      [path "text.h5"] = ": not an HDF5 file",
    }
    for name, reason in pairs(reasons) do
      local file, got = h5.open(name)
      assert.is_nil(file)
      assert.equal(name .. reason, got)
    end
  end)

  it("that are cut are refused wherever the cut is", function()
    written(function(f) f:write("/a/b", Tensor.ones { 50, 50 }) end):close()
    local whole = slurp(path "t.h5")
    for length = 1, #whole - 1, 97 do
      spill(path "cut.h5", whole:sub(1, length))
      local file, reason = h5.open(path "cut.h5")
      assert.is_nil(file)
      assert.equal(path "cut.h5" .. ": ", reason:sub(1, #path "cut.h5" + 2))
    end
    local out = run("true", ("print(require 'lubdub.h5'.open(%q))"):format(path "cut.h5"))
    assert.matches("^nil\t" .. path "cut.h5" .. ": the HDF5 file is cut: it has %d+ of " .. #whole .. " bytes\n$", out)
  end)
end)

describe("h5: saving", function()
  local function file_of(size)
    local file = h5.create()
    file:write("/a", Tensor.ones { size })
    return file
  end

  it("fails with the path and the reason, and leaves nothing", function()
    local file <close> = file_of(10)
    spill(path "plain", "text")
    local reasons = {
      [path "no/such/folder/m.h5"] = ": No such file or directory",
      [path "plain/m.h5"] = ": Not a directory",
      [folder] = ": Is a directory",
      ["/dev/full"] = ": No space left on device",
    }
    for name, reason in pairs(reasons) do
      local ok, got = file:save(name)
      assert.is_nil(ok)
      assert.equal(name .. reason, got)
      assert.is_false(exists(name .. ".part"))
    end
    assert.equal("text", slurp(path "plain"))
  end)

  it("fails at a limit on file sizes with the old file untouched, and the process lives", function()
    local old <close> = file_of(10)
    assert(old:save(path "limit.h5"))
    local before = slurp(path "limit.h5")
    local out = run("ulimit -f 8", ([[
      local file = require "lubdub.h5".create()
      file:write("/a", require "lubdub".Tensor.ones { 100000 })
      print(file:save(%q))
      print "alive"]]):format(path "limit.h5"))
    assert.equal("nil\t" .. path "limit.h5" .. ": File too large\nalive\n", out)
    assert.equal(before, slurp(path "limit.h5"))
    assert.is_false(exists(path "limit.h5.part"))
  end)

  it("prints nothing of HDF5's own, whatever fails", function()
    local out = run("true", ([[
      local h5 = require "lubdub.h5"
      local file = h5.create()
      assert(file:write("/a", 1))
      assert(file:group "/g")
      local long = {}
      for i = 1, 1000 do long[i] = ("y"):rep(100) end
      print(file:write("/a", 2), file:write("/a/b", 2), file:write("/g", 2), file:group "/a", file:group "/a/b",
        file:set_attribute("/", "a", long), file:set_attribute("/none", "a", "b"), file:save "/dev/full")
      print(h5.open "%s", h5.open "/dev/null", h5.open_buffer "x")
      file:close()]]):format(path "none.h5"))
    local lines = select(2, out:gsub("\n", ""))
    assert.equal(2, lines, out)
    assert.is_nil(out:find "HDF5%-DIAG")
    assert.is_nil(out:find "#0")
  end)

  it("loads libhdf5 when a file is made, and not to read one", function()
    local name = path "t.h5"
    local made <close> = file_of(3)
    assert(made:save(name))
    local out = run("true", ([[
      local function there()
        for line in io.lines "/proc/self/maps" do
          if line:find "libhdf5" then return true end
        end
        return false
      end
      local h5 = require "lubdub.h5"
      require "lubdub".load_model "spec/golden/notebook_net.h5"
      print(assert(h5.open(%q)):read "/a" ~= nil, there(), h5.create() ~= nil, there())]]):format(name))
    assert.equal("true\tfalse\ttrue\ttrue\n", out)
  end)

  it("replaces what an interrupted save left, keeps permissions, and writes through a link", function()
    local file <close> = file_of(10)
    spill(path "target.h5.part", "half")
    spill(path "target.h5", "old")
    os.execute(("chmod 640 %s && ln -sf target.h5 %s"):format(path "target.h5", path "link.h5"))
    assert(file:save(path "link.h5"))
    assert.is_false(exists(path "target.h5.part"))
    local again <close> = assert(h5.open(path "target.h5"))
    assert.equal("dataset", again:kind "/a")
    local pipe <close> = io.popen(("stat -c %%a %s; readlink %s"):format(path "target.h5", path "link.h5"))
    assert.equal("640\ntarget.h5\n", pipe:read "a")
  end)

  it("makes the file that links lead to, and says where they lead nowhere", function()
    local file <close> = file_of(3)
    local function link(to, name) assert(os.execute(("ln -s '%s' '%s'"):format(to, path(name)))) end
    assert(os.execute(("mkdir -p '%s'"):format(path "below/deep")))
    link("below/second.h5", "first.h5")
    link("deep/third.h5", "below/second.h5")
    link(path "there.h5", "below/deep/third.h5")
    assert(file:save(path "first.h5"))
    local again <close> = assert(h5.open(path "there.h5"))
    assert.equal("dataset", again:kind "/a")
    local pipe <close> = io.popen(("cd '%s'; readlink first.h5 below/second.h5; ls *.part 2>&-"):format(path ""))
    assert.equal("below/second.h5\ndeep/third.h5\n", pipe:read "a")
    link("absent/file.h5", "lost.h5")
    link("loop_b.h5", "loop_a.h5")
    link("loop_a.h5", "loop_b.h5")
    assert.same({ nil, path "lost.h5" .. ": No such file or directory" }, { file:save(path "lost.h5") })
    assert.same({ nil, path "loop_a.h5" .. ": Too many levels of symbolic links" }, { file:save(path "loop_a.h5") })
  end)

  it("works for paths with spaces and UTF-8", function()
    local file <close> = file_of(3)
    assert(file:save(path "Herz töne.h5"))
    local again <close> = assert(h5.open(path "Herz töne.h5"))
    assert.same({ 1, 1, 1 }, again:read "/a":totable())
  end)
end)

describe("h5: a file from elsewhere", function()
  local dialects = "spec/golden/dialects/"

  it("may hold compressed whole numbers", function()
    local file <close> = assert(h5.open(dialects .. "gzip.h5"))
    assert.same({ { 0, 1 }, { 2, 3 }, { 4, 5 } }, file:read "/model_weights/dense/kernel":totable())
    assert.same({ 0, 1, 2, 3, 4, 5 }, file:numbers "/model_weights/dense/kernel")
    assert.same({ { 3, 2 }, "int64" }, { file:shape "/model_weights/dense/kernel" })
  end)

  local kernel = ".h5: /model_weights/dense/kernel: "
  for name, reason in pairs {
    external_link = "is an external link, which is not followed",
    soft_link = "is a soft link, which is not followed",
    external_storage = "its numbers lie in other files, which are not opened",
    virtual = "its numbers lie in other files, which are not opened",
    huge = "declares a shape of (1048576, 1048576), but the file holds no such amount of numbers",
    text = "holds no numbers",
  } do
    it("is refused where it would lead astray: " .. name, function()
      local file <close> = assert(h5.open(dialects .. "bad_" .. name .. ".h5"))
      local tensor, got = file:read "/model_weights/dense/kernel"
      assert.is_nil(tensor)
      assert.equal(dialects .. "bad_" .. name .. kernel .. reason, got)
    end)
  end
end)
