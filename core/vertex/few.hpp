// A fixed small number of values, indexed by signed integers as all arrays here.
#pragma once

#include "../array.hpp"

namespace nnce {

template <class T, int N>
struct Few {
  T entry[N];

  T& operator[](Index i) { return entry[i]; }
  const T& operator[](Index i) const { return entry[i]; }
  T* begin() { return entry; }
  T* end() { return entry + N; }
  [[nodiscard]] const T* begin() const { return entry; }
  [[nodiscard]] const T* end() const { return entry + N; }
};

}  // namespace nnce
