#include "h5/reader/internal.h"
lub_status lub_h5_dense(lub_h5_reader *reader, uint64_t heap, uint64_t tree, lub_h5_dense_visit visit, void *context,
                        lub_error *err) {
  (void)heap; (void)tree; (void)visit; (void)context;
  return lub_h5_refuse(reader, err, "is stored in the form of HDF5's latest version, which is not read: "
                                    "save the model without libver=\"latest\" (h5repack converts it)");
}
