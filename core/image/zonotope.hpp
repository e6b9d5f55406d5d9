// The image of a box of many inputs x under a linear map u = U x into few: a zonotope.
//
// Where a walk works in the image, its d inputs are the entries of u, and its box contains the
// zonotope. m is the number of inputs x. Inputs are measured from the centre of the box in half
// sides: x = centre + half * t with |t_i| <= 1.
#pragma once

#include <algorithm>

#include "../array.hpp"

namespace nnce {

// What a zonotope is made from: arrays of the caller's, row by row, that are only read.
struct ZonotopeArrays {
  Index d = 0;
  Index m = 0;
  const double* linear = nullptr;     // (d, m) U
  double inexact = 0.0;               // 1.0 where U is rounded from rationals, else 0.0
  const double* magnitude = nullptr;  // (d,) bound on sum |U| |x| over the box
  const double* lower = nullptr;      // (m,) the box
  const double* upper = nullptr;
  const double* centre = nullptr;  // (m,) and its half sides
  const double* half = nullptr;
  const double* middle = nullptr;     // (d,) U centre
  const double* generator = nullptr;  // (d, m) G = U diag(half): u = middle + G t
  const double* gram = nullptr;       // (d, d) G G'
  const double* inverse = nullptr;    // (d, d) its inverse
  const double* transform = nullptr;  // of the body, see there
  const double* metric = nullptr;
  const double* reach = nullptr;
  double radius = 0.0;
};

// An ellipsoid {u : |transform (u - middle)| <= radius} that a zonotope surely holds. The proof
// that a point is in it rests on `turned` and `radius` only.
struct Body {
  Matrix<double> turned;  // (d, d) transform, transposed: column by column
  Matrix<double> metric;  // (d, d) about the inverse of transform' transform
  Matrix<double> reach;   // (d, m) generator times weights: from directions to inputs far out there
  double radius = 0.0;    // 0.0 where none could be proved
};

// All that the search of an input for a cell knows of the image; read only. Rows are padded with
// zeros, and the box with [-1, 1]. No proof rests on the arrays from `middle` on, but on that one
// where a point is in the body.
class Zonotope {
 public:
  explicit Zonotope(const ZonotopeArrays& from)
      : d(from.d),
        m(from.m),
        width(padded(from.d)),
        length(padded(from.m)),
        inexact(from.inexact),
        linear(rows(from.linear, d, m)),
        magnitude(entries(from.magnitude, d, 0.0)),
        lower(entries(from.lower, m, -1.0)),
        upper(entries(from.upper, m, 1.0)),
        centre(entries(from.centre, m, 0.0)),
        half(entries(from.half, m, 0.0)),
        middle(entries(from.middle, d, 0.0)),
        generator(rows(from.generator, d, m)),
        column(turned_rows(from.generator, d, m)),
        gram(rows(from.gram, d, d)),
        inverse(rows(from.inverse, d, d)),
        body{turned_rows(from.transform, d, d), rows(from.metric, d, d), rows(from.reach, d, m),
             from.radius} {}

  const Index d;
  const Index m;
  const Index width;  // d and m with their padding
  const Index length;
  const double inexact;
  const Matrix<double> linear;
  const Array<double> magnitude;
  const Array<double> lower;
  const Array<double> upper;
  const Array<double> centre;
  const Array<double> half;
  const Array<double> middle;
  const Matrix<double> generator;
  const Matrix<double> column;  // (m, d) G'
  const Matrix<double> gram;
  const Matrix<double> inverse;  // the smallest t for a u is G' inverse (u - middle)
  const Body body;

 private:
  static Array<double> entries(const double* from, Index n, double padding) {
    Array<double> to(padded(n));
    to.fill(padding);
    std::copy_n(from, n, to.data());
    return to;
  }
  static Matrix<double> rows(const double* from, Index n, Index columns) {
    Matrix<double> to(n, padded(columns));
    for (Index i = 0; i < n; ++i) std::copy_n(from + i * columns, columns, to[i]);
    return to;
  }
  static Matrix<double> turned_rows(const double* from, Index n, Index columns) {
    Matrix<double> to(columns, padded(n));
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < columns; ++j) to[j][i] = from[i * columns + j];
    }
    return to;
  }
};

}  // namespace nnce
