/* number.h - the C types in which numbers go to and from an HDF5 file. */
#ifndef LUB_H5_NUMBER_H
#define LUB_H5_NUMBER_H

typedef enum lub_h5_number { LUB_H5_FLOAT32, LUB_H5_FLOAT64, LUB_H5_INT64 } lub_h5_number;

#endif
