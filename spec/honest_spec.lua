describe("examples/honest.lua", function()
  it("judges a recipe twice, from any folder, without data", function()
    local lfs = require "lfs"
    local command = ("cd / && lua5.4 '%s/examples/honest.lua' --epochs 1 --runs 2 2>&1"):format(lfs.currentdir())
    local pipe = assert(io.popen(command))
    local text = pipe:read "a"
    assert.is_true(pipe:close(), text)
    for _, piece in ipairs { "random split, 1 epochs", "2 given folds", "by patients, 1 epochs",
      "StratifiedGroupKFold(n_splits = 5, seed = 0, shuffle = true)", "accuracy, resampling patients: ",
      "f1_macro, resampling patients: ", "groups (column \"group\") have rows on both sides",
      "Means after the last epoch" } do
      assert.is_truthy(text:find(piece, 1, true), piece .. " is not in:\n" .. text)
    end
  end)
end)
