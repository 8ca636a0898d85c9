-- What notebooks see: bundles of MIME types, and lubdub.display in both kinds of kernel.
local display = require "lubdub.display"
local lubdub = require "lubdub"
local printed = require "support.printed"
local raises = require "support.raises"

describe("display", function()
  it("writes base64", function()
    for bytes, text in pairs { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==",
      fooba = "Zm9vYmE=", foobar = "Zm9vYmFy", ["\0\255\254"] = "AP/+" } do -- RFC 4648, 10
      assert.equal(text, display.base64(bytes))
    end
  end)

  it("bundles what a metamethod gives, pictures as base64, and text always", function()
    local rich = setmetatable({}, {
      __tostring = function() return "words" end,
      __mimebundle = function()
        return { ["image/png"] = "foo", ["image/svg+xml"] = "<svg/>", ["text/html"] = "<b/>" }
      end,
    })
    assert.same({ ["text/plain"] = "words", ["image/png"] = "Zm9v", ["image/svg+xml"] = "<svg/>",
      ["text/html"] = "<b/>" }, display.bundle(rich))
    assert.same({ ["text/plain"] = "42" }, display.bundle(42))
    assert.same({ ["text/plain"] = "nil" }, display.bundle(nil))
    assert.same({ ["text/plain"] = "a" }, display.bundle "a")
  end)

  it("prints where there is no notebook", function()
    assert.equal("1\ntwo\nnil\n", printed(function() lubdub.display(1, "two", nil) end))
  end)

  it("hands bundles to xeus-lua's interface", function()
    local got = {}
    _G.ilua = { display = { detail = { _display_data = function(...) got[#got + 1] = { ... } end } } }
    finally(function() _G.ilua = nil end)
    lubdub.display("x", 2)
    assert.same({ { '{"text/plain":"x"}', "{}", "{}" }, { '{"text/plain":"2"}', "{}", "{}" } }, got)
  end)

  it("shows data sets and models as HTML, with their text escaped", function()
    local clips = lubdub.Dataset { { path = "a.wav", label = "<b>&\"", duration = 5, samplerate = 4000, patient = 1 } }
    local html = display.bundle(clips)["text/html"]
    assert.truthy(html:find("&lt;b&gt;&amp;&quot;", 1, true))
    assert.falsy(html:find("<b>", 1, true))
    assert.truthy(html:find("<table>.*</table>"))
    assert.truthy(display.bundle(lubdub.Dataset {})["text/html"]:find "empty")
    local model = lubdub.Sequential { lubdub.layers.Input { 3 }, lubdub.layers.Dense { units = 2 }, name = "<m>" }
    assert.truthy(display.bundle(model)["text/html"]:find("&lt;m&gt;", 1, true))
  end)

  it("tells why a picture cannot be drawn", function()
    local figure = lubdub.plot.waveform(lubdub.Tensor { 0, 1, 0 }, 4000)
    local gnuplot = require "lubdub.plot.gnuplot"
    local draw = gnuplot.draw
    finally(function() gnuplot.draw = draw end)
    gnuplot.draw = function() return nil, "gnuplot: is out" end
    local bundle = display.bundle(figure)
    assert.is_nil(bundle["image/png"])
    assert.truthy(bundle["text/plain"]:find "gnuplot: is out")
    gnuplot.draw = function() return "PNG" end
    assert.equal(display.base64 "PNG", display.bundle(figure)["image/png"])
  end)

  it("makes a player of 16 bits, its loudest sample at full scale", function()
    local html = display.bundle(display.audio(lubdub.Tensor { 0, 0.25, -0.5 }, 4000))["text/html"]
    local wav = ("<c4I4c4c4I4I2I2I4I4I2I2c4I4i2i2i2"):pack("RIFF", 42, "WAVE", "fmt ", 16, 1, 1, 4000, 8000, 2, 16,
      "data", 6, 0, 16384, -32767)
    assert.equal('<audio controls src="data:audio/wav;base64,' .. display.base64(wav) .. '"></audio>', html)
    assert.truthy(tostring(display.audio(lubdub.Tensor.zeros { 4000 }, 4000)):find "1%.00 s, 4000 Hz")
    local nan = display.audio(lubdub.Tensor { 0 / 0, 1 }, 8000).wav
    assert.equal(("<i2i2"):pack(0, 32767), nan:sub(-4))
  end)

  it("names what cannot be played", function()
    raises(function() display.audio({}, 4000) end, "display.audio: signal must be a Tensor (samples,), got table")
    raises(function() display.audio(lubdub.Tensor.zeros { 2, 3 }, 4000) end, "got (2, 3)")
    raises(function() display.audio(lubdub.Tensor.zeros { 3 }) end,
      "display.audio: sr must be a sample rate from 1 to 768000 Hz, got nil")
  end)
end)
