local csv = require "lubdub.csv"

describe("csv", function()
  it("follows RFC 4180", function()
    assert.same({ { "a", "b" }, { "1", "2" } }, (csv.parse "a,b\r\n1,2\r\n"))
    assert.same({ { "a", "b" }, { "1", "2" } }, (csv.parse "a,b\n1,2"))
    assert.same({ { 'say "hi"', "x,y", "two\nlines" }, { "", "", "" } },
      (csv.parse '"say ""hi""","x,y","two\nlines"\n,,'))
    assert.same({ { "" } }, (csv.parse '""'))
    assert.same({}, (csv.parse ""))
    assert.same({ { "a", "" } }, (csv.parse "a,"))
    assert.same({ { "ä b", "ß" } }, (csv.parse("\xEF\xBB\xBFä b;ß", ";")))
  end)

  it("leaves empty lines out and knows the line of each record", function()
    local records, lines = csv.parse 'a,b\n\n"1\n1",2\r\n\r\n3,4\n\n'
    assert.same({ { "a", "b" }, { "1\n1", "2" }, { "3", "4" } }, records)
    assert.same({ 1, 3, 6 }, lines)
  end)

  it("comes back from what was written", function()
    local rng = require("lubdub.random").RandomState(1)
    local pieces = { "a", '"', ",", "\n", "\r\n", " ", "ö" }
    for _ = 1, 100 do
      local records, text = {}, {}
      for i = 1, rng:randint(1, 5) do
        records[i] = {}
        local cells = {}
        for j = 1, 3 do
          local value = table.concat(rng:choice(pieces, rng:randint(1, 6)))
          records[i][j] = value
          cells[j] = '"' .. value:gsub('"', '""') .. '"'
        end
        text[i] = table.concat(cells, ",")
      end
      assert.same(records, (csv.parse(table.concat(text, "\r\n"))))
    end
  end)

  it("reads files with a header", function()
    local path = os.tmpname()
    local function write(text)
      local file = assert(io.open(path, "wb"))
      file:write(text)
      file:close()
    end
    write "path,label\r\na b.wav,normal\r\n"
    local rows, header = csv.read(path)
    assert.same({ { path = "a b.wav", label = "normal" } }, rows)
    assert.same({ "path", "label" }, header)

    local function fails(text, pattern)
      write(text)
      local nothing, reason = csv.read(path)
      assert.is_nil(nothing)
      assert.equal(path .. pattern, reason)
    end
    fails("a,b\n1,2\n1,2,3\n", ": line 3: 3 fields, but 2 columns")
    fails('a,b\n1,"2\n', ": line 2: a quote is never closed")
    fails('a,b\n1,"2"x\n', ": line 2: text behind a closing quote")
    fails("", ": empty, not even a line of column names")
    os.remove(path)
    local nothing, reason = csv.read(path)
    assert.is_nil(nothing)
    assert.matches("No such file", reason)
  end)
end)
