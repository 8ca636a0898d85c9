-- The way back behind a pool, alone, of each variant that this CPU has: nothing outside its arrays is touched.
local lubdub = require "lubdub"

describe("the way back behind a pool", function()
  for _, variant in ipairs(select(2, lubdub.cpu())) do
    it("touches nothing outside its arrays, and sums rightly: " .. variant, function()
      local object = ("build/nn/kernels/sparse.%s.o"):format(variant)
      local program = os.tmpname()
      local file = io.open(object)
      if not file then return pending(object .. " is not there") end
      file:close()
      local built = os.execute(("${CC:-cc} -std=c11 -O2 -Icsrc -DNAME=lub_sparse_backward_%s -o '%s' "
        .. "spec/support/sparse_bounds.c %s -lm"):format(variant, program, object))
      assert.is_true(built)
      local pipe = io.popen(program .. " 2>&1; echo status $?")
      local said = pipe:read "a"
      pipe:close()
      os.remove(program)
      assert.equal("status 0\n", said)
    end)
  end
end)
