local lubdub = require "lubdub"

describe("the library and its parts", function()
  it("print what they hold", function()
    assert.matches("^lubdub: .*Sequential.*to_categorical", tostring(lubdub))
    assert.matches("^lubdub.plot: calibration_curve, .*confusion_matrix, .*history", tostring(lubdub.plot))
    assert.equal("lubdub.datasets: circor2022, folder, from_csv, from_folder, hearts, make_folder, pascal, " ..
      "physionet2016, segments, yaseen2018", tostring(lubdub.datasets))
    assert.equal("lubdub.Sequential", tostring(lubdub.Sequential))
    assert.equal("lubdub.Tensor", tostring(lubdub.Tensor))
  end)

  it("tell a name that they do not hold", function()
    assert.error_matches(function() return lubdub.Sequental end,
      "lubdub: there is no 'Sequental'; did you mean 'Sequential'%?")
    assert.error_matches(function() return lubdub.plot.nothing_like_it end,
      "lubdub.plot: there is no 'nothing_like_it'; there are calibration_curve, class_counts, .*waveform")
    assert.error_matches(function() return lubdub.datasets.pasc end, "did you mean 'pascal'%?")
  end)

  it("answer nil to what others ask of any table", function()
    assert.is_nil(lubdub.__name)
    assert.is_nil(lubdub.metrics[1])
  end)
end)
