/*** t:matmul(other).
@submodule lubdub.Tensor
*/
#include "lua/tensor.h"
#include "tensor/blas.h"
#include "tensor/matmul.h"
#include "tensor/view.h"

/* Multiplications and additions per call of BLAS: some 50 ms. */
#define WORK 2e9

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

/* The interpreter's Ctrl-C comes as a hook, which a call of anything lets in. */
static void breathe(lua_State *L) {
  lua_pushcfunction(L, nothing);
  lua_call(L, 0, 0);
}

/* out = a . b for matrices, in bands of rows; their height depends on the shapes alone. BLAS is entered, and left
 * before anything that may raise. `work` counts what was done since the last breath. */
static void multiply(lua_State *L, const lub_tensor *out, const lub_tensor *a, const lub_tensor *b, double *work) {
  lub_error err;
  int64_t m = a->shape.dim[0];
  double row = (double)a->shape.dim[1] * (double)b->shape.dim[1] + 1;
  int64_t band = row < WORK ? (int64_t)(WORK / row) : 1;
  for (int64_t first = 0; first < m; first += band) {
    int64_t rows = m - first < band ? m - first : band;
    if ((*work += row * (double)rows) > WORK) {
      lub_blas_leave();
      breathe(L);
      lub_blas_enter();
      *work = row * (double)rows;
    }
    lub_tensor some_out = lub_tensor_slice(out, 0, first, rows, 1), some_a = lub_tensor_slice(a, 0, first, rows, 1);
    if (lub_gemm(&some_out, &some_a, b, &err) != LUB_OK) {
      lub_blas_leave();
      luaL_error(L, "Tensor:matmul: %s", err.message);
    }
  }
}

/* The factor at `arg` as BLAS can read it: itself, or a copy that replaces it on the stack. */
static lub_tensor factor(lua_State *L, int arg, bool vector_is_row) {
  lub_tensor t = *lubL_checktensor(L, arg);
  if (t.shape.ndim == 1) t = lub_tensor_add_axis(&t, vector_is_row ? 0 : 1);
  if (lub_gemm_reads(&t)) return t;
  lub_tensor *copy = lubL_newtensor(L, &t.shape);
  lub_tensor_copy(copy, &t);
  lua_replace(L, arg);
  return *copy;
}

/* The axes of t before its matrix. */
static lub_shape batch_of(const lub_tensor *t) {
  lub_shape shape = t->shape;
  shape.ndim -= 2;
  return shape;
}

/* Multiplies matrix by matrix along the axes before the last two. */
static void multiply_all(lua_State *L, const lub_tensor *out, const lub_tensor *a, const lub_tensor *b, double *work) {
  if (out->shape.ndim == 2) {
    multiply(L, out, a, b, work);
    return;
  }
  for (int64_t i = 0; i < out->shape.dim[0]; i++) {
    lub_tensor next_out = lub_tensor_at(out, i), next_a = lub_tensor_at(a, i), next_b = lub_tensor_at(b, i);
    multiply_all(L, &next_out, &next_a, &next_b, work);
  }
}

/* t with its batch axes stretched to `batch`. */
static lub_tensor stretch(const lub_tensor *t, const lub_shape *batch) {
  lub_shape shape = *batch;
  int ndim = t->shape.ndim;
  shape.dim[shape.ndim++] = t->shape.dim[ndim - 2];
  shape.dim[shape.ndim++] = t->shape.dim[ndim - 1];
  return lub_tensor_broadcast(t, &shape);
}

/*** The product of matrices, as NumPy's matmul: the matrices are in the last two axes, and the axes before them
broadcast. A vector is a row on the left and a column on the right, and that axis is not in the result.
@function Tensor:matmul
@tparam Tensor|table other
@treturn Tensor|number a number for two vectors
*/
static int tensor_matmul(lua_State *L) {
  char text_a[LUB_SHAPE_TEXT], text_b[LUB_SHAPE_TEXT];
  lua_settop(L, 2);
  const lub_shape shape_a = lubL_totensor(L, 1, "Tensor:matmul")->shape;
  const lub_shape shape_b = lubL_totensor(L, 2, "Tensor:matmul")->shape;
  if (shape_a.ndim == 0 || shape_b.ndim == 0)
    return luaL_error(L, "Tensor:matmul: expected at least one dimension each, got %s and %s",
                      lub_shape_text(&shape_a, "?", text_a), lub_shape_text(&shape_b, "?", text_b));

  lub_tensor a = factor(L, 1, true), b = factor(L, 2, false);
  int64_t m = a.shape.dim[a.shape.ndim - 2], k = a.shape.dim[a.shape.ndim - 1], n = b.shape.dim[b.shape.ndim - 1];
  lub_shape batch_a = batch_of(&a), batch_b = batch_of(&b), shape;
  if (b.shape.dim[b.shape.ndim - 2] != k)
    return luaL_error(L, "Tensor:matmul: expected as many columns on the left as rows on the right, got %s and %s",
                      lub_shape_text(&shape_a, "?", text_a), lub_shape_text(&shape_b, "?", text_b));
  if (!lub_broadcast_shapes(&batch_a, &batch_b, &shape))
    return luaL_error(L, "Tensor:matmul: expected batch axes that broadcast, got %s and %s",
                      lub_shape_text(&shape_a, "?", text_a), lub_shape_text(&shape_b, "?", text_b));

  a = stretch(&a, &shape);
  b = stretch(&b, &shape);
  if (shape_a.ndim > 1) shape.dim[shape.ndim++] = m;
  if (shape_b.ndim > 1) shape.dim[shape.ndim++] = n;
  lub_tensor out = *lubL_newtensor(L, &shape);
  if (shape_a.ndim == 1) out = lub_tensor_add_axis(&out, shape_b.ndim == 1 ? out.shape.ndim : out.shape.ndim - 1);
  if (shape_b.ndim == 1) out = lub_tensor_add_axis(&out, out.shape.ndim);
  double work = 0;
  lub_blas_enter();
  multiply_all(L, &out, &a, &b, &work);
  lub_blas_leave();
  if (shape.ndim == 0) lua_pushnumber(L, (lua_Number)*out.data);
  return 1;
}

const luaL_Reg lubL_tensor_products[] = {{"matmul", tensor_matmul}, {NULL, NULL}};
