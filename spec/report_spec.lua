local lubdub = require "lubdub"
local base64 = require "lubdub.base64"
local html = require "lubdub.report.html"
local warning = require "lubdub.warning"

local Tensor = lubdub.Tensor
local has_gnuplot = os.execute "command -v gnuplot >/dev/null 2>&1"

local function decode64(text)
  local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  local bits, n, bytes = 0, 0, {}
  for letter in text:gmatch "[^=]" do
    bits, n = bits << 6 | alphabet:find(letter, 1, true) - 1, n + 6
    if n >= 8 then
      n = n - 8
      bytes[#bytes + 1] = string.char(bits >> n & 255)
    end
  end
  return table.concat(bytes)
end

-- Every tag is closed in order, and no text holds < or >.
local function well_formed(page)
  local open = {}
  page = page:gsub("^<!DOCTYPE html>\n", "")
  page = page:gsub("<style>.-</style>", "")
  for closing, name, attributes in page:gmatch "<(/?)([%a][%w]*)([^<>]*)>" do
    assert(not attributes:gsub('"[^"]*"', ""):find '["<>]', attributes)
    if closing == "/" then
      assert.are.equal(name, table.remove(open))
    elseif not ({ meta = 1, img = 1, br = 1 })[name] then
      open[#open + 1] = name
    end
  end
  assert.are.equal(0, #open)
  assert.is_nil(page:gsub("<[^<>]*>", ""):find "[<>]")
end

-- Nothing that a browser would fetch.
local function self_contained(page)
  for name, value in page:gmatch "(%w+)=\"([^\"]*)\"" do
    if name == "src" then assert(value:find "^data:%l+/[%l+]+;base64,[%w+/]+=*$", value:sub(1, 60)) end
    if name == "href" then assert(value:find "^#%l+$", value) end
  end
  for _, forbidden in ipairs { "http:", "https:", "//cdn", "<script", "<link", "<iframe", "@import", "url(" } do
    assert.is_nil(page:find(forbidden, 1, true), forbidden)
  end
end

local function raises(message, f, ...)
  local arguments = table.pack(...)
  local ok, got = pcall(function() f(table.unpack(arguments, 1, arguments.n)) end)
  assert.is_false(ok)
  assert(got:find "^spec/report_spec.lua:%d+: ", got)
  assert.are.equal(message, (got:gsub("^spec/report_spec.lua:%d+: ", "")))
end

describe("base64", function()
  it("writes RFC 4648's examples, and any bytes", function()
    for plain, coded in pairs { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=",
      foobar = "Zm9vYmFy" } do
      assert.are.equal(coded, base64(plain))
    end
    local all = {}
    for i = 0, 255 do all[i + 1] = string.char(i) end
    for cut = 0, 2 do
      local bytes = table.concat(all, "", 1, 256 - cut)
      assert.are.equal(bytes, decode64(base64(bytes)))
    end
  end)
end)

describe("report.html", function()
  it("escapes texts and attributes, and nothing that is an element", function()
    assert.are.equal('<p class="a&quot;b">1 &lt; 2 &amp; <b>&#39;3&#39;</b></p>',
      tostring(html.p({ class = 'a"b' }, "1 < 2 & ", html.b "'3'")))
    assert.are.equal('<img alt="x">', tostring(html.img { alt = "x" }))
    assert.are.equal("<ul><li>1</li><li>2</li></ul>", tostring(html.ul { html.li(1), html.li(2) }))
    assert.are.equal("<p></p>", tostring(html.p(nil, false)))
    assert.are.equal("<audio controls></audio>", tostring(html.audio { controls = true, src = false }))
  end)

  it("makes UTF-8 of what is none, and blanks of control characters", function()
    assert.are.equal("Ger\u{FFFD}usch \u{FFFD}\u{FFFD}", html.escape "Ger\xE4usch \xFF\xFE")
    assert.are.equal("a b\nc", html.escape "a\0b\nc")
    assert.are.equal("正 Ж", html.escape "正 Ж")
  end)
end)

describe("lubdub.report", function()
  local folder, clips, test, train, model, history, x, labels, page

  setup(function()
    warning.on_warning(function() end)
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir '" .. folder .. "'"))
    labels = { "a&b", "<normal>", "c\"d" }
    table.sort(labels)
    local rows = {}
    for i = 1, 24 do
      local path = ("%s/<clip> & \"%d\".wav"):format(folder, i)
      local tone = {}
      for k = 1, 2000 do tone[k] = math.sin(k * (i % 3 + 1) / 20) * 0.5 end
      assert(lubdub.audio.write(path, Tensor(tone), 4000))
      rows[i] = { path = path, label = labels[i % 3 + 1], patient = "p" .. (i + 1) // 2 }
    end
    clips = lubdub.Dataset(rows)
    train, test = clips:take { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 },
      clips:take { 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24 }
    local layers = lubdub.layers
    model = lubdub.Sequential { layers.Input { 8, 8, 1 },
      layers.Conv2D { filters = 2, kernel_size = 3, activation = "relu", name = "look_here" },
      layers.GlobalAveragePooling2D(), layers.Dense { units = 3, activation = "softmax" }, seed = 3 }
    model:compile { optimizer = "adam", loss = "categorical_crossentropy", metrics = { "accuracy" } }
    model.labels = labels
    model.preprocessing = lubdub.preprocessing.steps(
      lubdub.MFCC { sr = 4000, n_mfcc = 8, n_fft = 512, hop_length = 250, n_mels = 20 }, { duration = 0.4375 })
    x = test:extract(model.preprocessing)
    assert.are.same({ 11, 8, 8, 1 }, x:shape())
    local encoder = lubdub.LabelEncoder(labels)
    history = model:fit(train:extract(model.preprocessing), encoder:to_categorical(train:column "label"),
      { epochs = 2, verbose = 0, seed = 1 })
    page = lubdub.report { model = model, history = history, train = train, test = test, seed = 7,
      settings = { ["batch <size>"] = 32, nested = { 1, 2 } }, title = "Hearts & <others>", n_resamples = 50 }:html()
  end)
  teardown(function()
    os.execute("rm -r '" .. folder .. "'")
    warning.on_warning(nil)
  end)

  it("is one whole page that asks the network for nothing", function()
    well_formed(page)
    self_contained(page)
    assert(page:find "^<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf%-8\">")
    assert(utf8.len(page))
  end)

  it("has every section", function()
    for _, id in ipairs { "classes", "confusion", "curves", "mistakes", "data", "split", "training", "model",
      "settings" } do
      assert(page:find('<section id="' .. id .. '">', 1, true), id)
      assert(page:find('<a href="#' .. id .. '">', 1, true), id)
    end
    for _, text in ipairs { "<h1>Hearts &amp; &lt;others&gt;</h1>", "batch &lt;size&gt;", "1 = 1, 2 = 2", "look_here",
      "Lua 5.4", "categorical_crossentropy", "1. load(", "medical device" } do
      assert(page:find(text, 1, true), text)
    end
  end)

  it("escapes names of classes and files", function()
    assert(page:find("&lt;clip&gt; &amp; &quot;1", 1, true))
    assert(page:find("&lt;normal&gt;", 1, true))
    for _, raw in ipairs { "<normal>", "<clip>", "c\"d", "a&b" } do assert.is_nil(page:find(raw, 1, true), raw) end
  end)

  it("carries its pictures, or says which are missing", function()
    local pictures, missing = 0, 0
    for kind, data in page:gmatch 'src="data:image/([%l+]+);base64,([^"]*)"' do
      local bytes = decode64(data)
      assert(bytes:find(kind == "png" and "^\x89PNG" or "^<svg"), kind)
      pictures = pictures + 1
    end
    for _ in page:gmatch "Picture missing" do missing = missing + 1 end
    if has_gnuplot then
      assert.are.equal(0, missing)
      assert(pictures >= 9, pictures)
    else
      assert(missing >= 9)
    end
  end)

  it("carries the sounds of the mistakes, as the model heard them", function()
    local count = 0
    for data in page:gmatch 'src="data:audio/wav;base64,([^"]*)"' do
      local bytes = decode64(data)
      local riff, size, wave, rate = ("<c4I4c4xxxxxxxxxxxxI4"):unpack(bytes)
      assert.are.same({ "RIFF", #bytes - 8, "WAVE", 4000 }, { riff, size, wave, rate })
      assert.are.equal(44 + 2 * 1750, #bytes)
      count = count + 1
    end
    assert(count >= 1 and count <= 6)
  end)

  it("tells leaks", function()
    assert(page:find("train and test share 1 of 12 groups (patient): the test looks better than it is.", 1, true))
    local function split(parts)
      parts.model, parts.n_mistakes, parts.n_resamples = model, 0, 10
      return lubdub.report(parts):html():match '<section id="split">(.-)</section>'
    end
    assert(split({ test = test }):find("not handed over", 1, true))
    assert(split({ test = test, train = train:take { 1, 2, 3 } }):find("share none of 8 groups (patient)", 1, true))
    assert(split({ test = test, train = test }):find("share 11 of 11 recordings", 1, true))
    assert(split({ test = test, train = train, validation = train }):find(
      "train and validation share 7 of 7 groups (patient): the validation looks better", 1, true))
    local bare = test:map(function(clip) return { path = clip.path, label = clip.label } end)
    assert(split({ test = bare, train = bare }):find("name no groups", 1, true))
  end)

  it("counts as the metrics do, and resamples patients", function()
    local report = lubdub.report { model = model, test = test, x = x, seed = 7, n_resamples = 200, n_mistakes = 0 }
    local truth, guess = test:column "label", lubdub.LabelEncoder(labels):decode(model:predict(x))
    local overall, classes = report.scores.overall, report.scores.classes
    local metrics, nan = lubdub.metrics, 0 / 0
    assert.are.equal(metrics.accuracy_score(truth, guess), overall[1][1])
    assert.are.equal(metrics.balanced_accuracy_score(truth, guess), overall[2][1])
    assert(math.abs(metrics.f1_score(truth, guess, { average = "macro", zero_division = nan }) - overall[3][1]) < 1e-12)
    assert(math.abs(metrics.matthews_corrcoef(truth, guess) - overall[4][1]) < 1e-12)
    local o = { average = false, zero_division = nan, labels = labels }
    local p, r, f, s = metrics.precision_recall_fscore_support(truth, guess, o)
    local spec = metrics.specificity_score(truth, guess, o)
    for c, class in ipairs(classes) do
      assert.are.equal(labels[c], class.label)
      assert.are.equal(s[c], class.support)
      for _, pair in ipairs { { p, class.precision }, { r, class.recall }, { f, class.f1 },
        { spec, class.specificity } } do
        local expected, got = pair[1][c], pair[2][1]
        assert(expected == got or expected ~= expected and got ~= got)
        assert(got ~= got or pair[2][2] <= got and got <= pair[2][3])
      end
    end
    assert.are.equal(6, report.scores.n_groups)
    local interval = metrics.bootstrap(truth, guess, { groups = test:column "patient", n_resamples = 200, seed = 7 })
    assert.are.same({ interval.low, interval.high }, { overall[1][2], overall[1][3] })
    assert(tostring(report):find("11 rows, 3 classes\n  accuracy", 1, true))
  end)

  it("gives areas under ROC curves intervals, with ties and with classes that a resample lacks", function()
    local rng, names = lubdub.random.RandomState(3), { "a", "b", "c" }
    local y, groups, rows = {}, {}, {}
    for i = 1, 30 do
      local one, two = rng:randint(0, 4), rng:randint(0, 4)
      y[i], groups[i] = names[i < 29 and rng:randint(1, 2) or 3], rng:randint(1, 12)
      rows[i] = { one, two, 8 - one - two }
      for c = 1, 3 do rows[i][c] = rows[i][c] / 8 end
    end
    local scores = lubdub.report({ y = y, y_score = rows, groups = groups, seed = 4, n_resamples = 60, labels = names,
      n_mistakes = 0 }).scores
    local sum = 0
    for c, name in ipairs(names) do
      local truth, column = {}, {}
      for i, row in ipairs(rows) do truth[i], column[i] = y[i] == name and 1 or 0, row[c] end
      local slow = lubdub.metrics.bootstrap(truth, column, { groups = groups, seed = 4, n_resamples = 60,
        metric = function(t, p)
          local n = 0
          for _, one in ipairs(t) do n = n + one end
          return n > 0 and n < #t and lubdub.metrics.roc_auc_score(t, p) or 0 / 0
        end })
      for k, expected in ipairs { slow.value, slow.low, slow.high } do
        assert(math.abs(scores.classes[c].auc[k] - expected) < 1e-12, name)
      end
      if c == 3 then assert(slow.undefined > 0) end
      sum = sum + slow.value
    end
    assert(math.abs(scores.auc[1] - sum / 3) < 1e-12)
    assert(scores.auc[2] <= scores.auc[1] and scores.auc[1] <= scores.auc[3])
  end)

  it("shows the surest mistakes first", function()
    local mistakes = require "lubdub.report.mistakes"
    local e = { labels = { "a", "b" }, truth = { "a", "a", "b", "b" }, predicted = { "b", "b", "b", "a" },
      scores = { { 0.4, 0.6 }, { 0.1, 0.9 }, { 0, 1 }, { 0.8, 0.2 } } }
    assert.are.same({ 2, 4, 1 }, mistakes.rank(e))
  end)

  it("takes true labels as lists, class numbers and one-hot rows, and predictions without a model", function()
    local truth, y_score = { "n", "m", "n", "m" }, { { 0.9, 0.1 }, { 0.2, 0.8 }, { 0.3, 0.7 }, { 0.6, 0.4 } }
    local function accuracy(parts)
      parts.n_mistakes, parts.n_resamples = 0, 5
      return lubdub.report(parts).scores.overall[1][1]
    end
    assert.are.equal(0.5, accuracy { y = truth, y_score = y_score, labels = { "n", "m" } })
    assert.are.equal(0.5, accuracy { y = Tensor { 1, 2, 1, 2 }, y_score = Tensor(y_score), labels = { "n", "m" } })
    assert.are.equal(0.5, accuracy { y = Tensor { 0, 1, 0, 1 }, y_score = y_score, labels = { "n", "m" } })
    assert.are.equal(0.5, accuracy { y = Tensor { { 1, 0 }, { 0, 1 }, { 1, 0 }, { 0, 1 } }, y_score = y_score,
      labels = { "n", "m" } })
    -- one column is the second class; without labels they are sorted
    assert.are.equal(0.75, accuracy { y = truth, y_score = { 0.9, 0.2, 0.7, 0.9 } })
    local column = Tensor { { 0.1 }, { 0.8 }, { 0.4 }, { 0.2 } }
    assert.are.equal(0.75, accuracy { y = { "m", "n", "n", "m" }, y_score = column })
    local report = lubdub.report { y = { "n", "m" }, y_score = { { 5, -1 }, { 2, 3 } }, n_resamples = 5 }
    assert.is_nil(report.scores.log_loss) -- no probabilities
    well_formed(report:html())
    self_contained(report:html())
  end)

  it("reports a cross-validation", function()
    local nan = 0 / 0
    local result = { probabilities = Tensor { { 0.9, 0.1 }, { nan, nan }, { 0.3, 0.7 }, { 0.6, 0.4 } },
      y = { "m", "m", "n", "n" }, labels = { "m", "n" }, groups = { 1, 1, 2, 2 }, histories = { history, history },
      folds = { { train = { 3, 4 }, test = { 1 } }, { train = { 1 }, test = { 3, 4 } } }, splitter = "KFold <2>",
      data = lubdub.Dataset { { label = "m" }, { label = "m" }, { label = "n" }, { label = "n" } }, seed = 4 }
    local report = lubdub.report(result, { n_resamples = 20 })
    assert.are.equal(3, report.evidence.n)
    assert.are.equal(2 / 3, report.scores.overall[1][1])
    local text = report:html()
    well_formed(text)
    self_contained(text)
    for _, part in ipairs { "KFold &lt;2&gt;", "None of 2 groups is on both sides of a fold",
      "Fold 2: loss over 2 epochs", "row 4" } do
      assert(text:find(part, 1, true), part)
    end
    local function told(words)
      assert(lubdub.report(result, { n_resamples = 2, n_mistakes = 0 }):html():find(words, 1, true), words)
    end
    result.folds[1].test, result.folds[2].test = { 1, 3 }, { 4 }
    told "1 of 2 groups are on both sides of a fold"
    -- tested twice, trained on never
    result.folds = { { train = { 1, 2 }, test = { 3 } }, { train = { 1 }, test = { 4 } } }
    told "None of 1 groups is on both sides of a fold"
    result.folds = { { train = { 2, 3 }, test = { 1 } } } -- row 2, its sister, is tested by no fold
    told "1 of 1 groups are on both sides of a fold"
  end)

  it("shows what a fold's model looked at, where it was kept", function()
    local some = test:take { 1, 2, 3 }
    local y_score = Tensor { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }
    local result = { probabilities = y_score, y = some:column "label", labels = labels, data = some,
      folds = { { train = {}, test = { 1, 2, 3 }, model = model } } }
    local function page_of(given)
      given.n_resamples = 2
      return lubdub.report(result, given):html()
    end
    local text = page_of { preprocessing = model.preprocessing }
    assert(text:find("Grad-CAM: what spoke for", 1, true))
    assert(text:find("what the model was given (mfcc)", 1, true))
    assert.is_nil(text:find("Picture missing", 1, true) and has_gnuplot)
    text = page_of {}
    assert.is_nil(text:find("Grad-CAM", 1, true))
    assert(text:find("MFCC of the sound", 1, true))
    raises("report: x must have the 3 rows of the data", lubdub.report, result, { x = Tensor.zeros { 2, 8, 8, 1 } })
  end)

  it("works where gnuplot, sounds and groups are missing", function()
    local rows = {}
    for i, clip in test:iter() do rows[i] = { path = "gone/" .. i .. ".wav", label = clip.label } end
    local figure = require "lubdub.plot.figure"
    local render = figure.render
    figure.render = function() return nil, "gnuplot: the program was not found; install gnuplot-nox" end
    local ok, text = pcall(function()
      return lubdub.report { model = model, test = lubdub.Dataset(rows), x = x, n_resamples = 5, groups = false }:html()
    end)
    figure.render = render
    assert(ok, text)
    well_formed(text)
    assert.is_nil(text:find "<img")
    assert(text:find("Picture missing (Confusion matrix: shares of each true class, and counts): gnuplot: the program",
      1, true))
    assert(text:find("No sound: gone/%d+.wav: No such file or directory"))
    assert(text:find("Without groups, recordings of one patient count as independent", 1, true))
  end)

  it("has a dark theme, and says so to the browser", function()
    local right = { { 1, 0 }, { 0, 1 } }
    local dark = lubdub.report { y = { 1, 2 }, y_score = right, theme = "dark", n_resamples = 2 }:html()
    assert(dark:find("color-scheme:dark", 1, true))
    assert(dark:find("There is none: every row was predicted right.", 1, true))
  end)

  it("is saved whole, or tells why not", function()
    local report = lubdub.report { y = { 1, 2 }, y_score = { { 1, 0 }, { 0, 1 } }, n_resamples = 2 }
    local path = folder .. "/page.html"
    assert.is_true(report:save(path))
    local file <close> = assert(io.open(path, "rb"))
    assert.are.equal(report:html(), file:read "a")
    assert.are.same({ nil, folder .. "/none/page.html: No such file or directory" },
      { report:save(folder .. "/none/page.html") })
    raises('report: save: the file name must end in .html, got "page.pdf"', report.save, report, "page.pdf")
    raises("report: save: a file name expected, got nil", report.save, report)
  end)

  it("says what is wrong, at the caller's line", function()
    local report, two = lubdub.report, { { 1, 0 }, { 0, 1 } }
    raises("report: a table { model =, history =, test = } or the result of cross_validate expected, got nil", report)
    raises("report: give x, or a test data set and a model with preprocessing, or y_score", report, {})
    raises("report: unknown option 'modell'; did you mean 'model'?", report, { modell = model })
    raises("report: model must be a model, got string", report, { model = "m.h5", x = x })
    raises("report: give a model, or its predictions as y_score", report, { x = x, y = { 1 } })
    raises("report: x must be a tensor, got table", report, { model = model, x = { 1 } })
    raises("report: give y, the true labels, or a test data set", report, { y_score = two })
    raises("report: test must be a data set, got table", report, { y_score = two, test = {} })
    raises("report: train must be a data set, got string", report, { y_score = two, y = { 1, 2 }, train = "x" })
    raises("report: test has 11 rows, and there are 2 predictions", report, { y_score = two, test = test })
    raises("report: there are 1 true labels and 2 predictions", report, { y_score = two, y = { 1 } })
    raises("report: the predictions have 2 columns, and there are 3 labels (1, 2, 3)", report,
      { y_score = { { 1, 0 }, { 0, 1 }, { 0, 1 } }, y = { 1, 2, 3 } })
    raises('report: row 2 has the label "c", which is not among the classes (a, b)', report,
      { y_score = two, y = { "a", "c" }, labels = { "a", "b" } })
    raises("report: y must be labels, or a tensor (n, classes), got string", report, { y_score = two, y = "label" })
    raises("report: y holds class numbers; name the classes with the option labels", report,
      { y_score = two, y = Tensor(two) })
    raises("report: labels must be a list of at least 2 classes", report,
      { y_score = two, y = { 1, 1 }, labels = { 1 } })
    raises("report: some row of test has no label; give y", report,
      { y_score = two, test = lubdub.Dataset { { path = "a" }, { path = "b" } } })
    raises('report: the column "patients" (groups) is missing in some row of test', report,
      { model = model, test = test, x = x, groups = "patients" })
    raises("report: groups has 3 entries for 2 rows", report, { y_score = two, y = { 1, 2 }, groups = { 1, 2, 3 } })
    raises('report: groups = "patient" names a column, and there is no data set (option test)', report,
      { y_score = two, y = { 1, 2 }, groups = "patient" })
    raises("report: history must be what model:fit returned, got string", report,
      { y_score = two, y = { 1, 2 }, history = "h" })
    raises('report: theme must be "light" or "dark", got "blue"', report,
      { y_score = two, y = { 1, 2 }, theme = "blue" })
    raises("report: n_mistakes must be a whole number from 0, got -1", report,
      { y_score = two, y = { 1, 2 }, n_mistakes = -1 })
    raises("report: settings must be a table, name = value", report, { y_score = two, y = { 1, 2 }, settings = 3 })
    raises("report: preprocessing must be a list of steps, as of lubdub.preprocessing.steps, got string", report,
      { y_score = two, y = { 1, 2 }, preprocessing = "mfcc" })
    raises("report: there are no test rows", report, { y_score = {}, y = {} })
    raises("report: y_score[1] must be a finite number, got nan", report, { y_score = { 0 / 0, 1 }, y = { 1, 2 } })
  end)
end)
