// An array that owns its memory: zeros at first, aligned to a line of the cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>

namespace nnce {

using Index = std::int64_t;

// Loops along rows run to a multiple of this many doubles, into padding: whole vectors, no rest.
inline constexpr Index kLanes = 4;

// Return n rounded up to a multiple of `kLanes`.
constexpr Index padded(Index n) { return (n + kLanes - 1) & -kLanes; }

// A fixed number of plain values. Memory that is never touched costs nothing (calloc), so an array
// may be as long as the worst case needs. It can't be copied by accident.
template <class T>
class Array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Array() = default;
  // Throws std::bad_alloc where there is no such memory, or the size is negative.
  explicit Array(Index size) : size_(size) {
    if (size < 0 || static_cast<std::size_t>(size) > kMost / sizeof(T)) {
      throw std::bad_alloc();
    }
    raw_ = std::calloc(static_cast<std::size_t>(size) * sizeof(T) + kLine, 1);
    if (raw_ == nullptr) throw std::bad_alloc();
    const auto address = reinterpret_cast<std::uintptr_t>(raw_);
    data_ = reinterpret_cast<T*>((address + kLine - 1) & ~std::uintptr_t{kLine - 1});
  }
  Array(Array&& other) noexcept { swap(other); }
  Array& operator=(Array&& other) noexcept {
    Array(std::move(other)).swap(*this);
    return *this;
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() { std::free(raw_); }

  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] Index size() const { return size_; }
  T& operator[](Index i) { return data_[check(i)]; }
  const T& operator[](Index i) const { return data_[check(i)]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  [[nodiscard]] const T* begin() const { return data_; }
  [[nodiscard]] const T* end() const { return data_ + size_; }
  void fill(T value) {
    for (Index i = 0; i < size_; ++i) data_[i] = value;
  }

 private:
  static constexpr std::size_t kLine = 64;
  // Bytes. No array needs more, and a system may promise memory that it does not have.
  static constexpr std::size_t kMost = std::size_t{1} << 39;

  void swap(Array& other) noexcept {
    std::swap(raw_, other.raw_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  // Builds for tests (NNCE_CHECKED) end the program where an index is out of range.
  [[nodiscard]] Index check(Index i) const {
#ifdef NNCE_CHECKED
    if (i < 0 || i >= size_) std::abort();
#endif
    return i;
  }

  void* raw_ = nullptr;
  T* data_ = nullptr;
  Index size_ = 0;
};

// Rows of equal length in one array; `stride` is that length.
template <class T>
class Matrix {
 public:
  Matrix() = default;
  // Throws std::bad_alloc where there is no such memory, or a size is negative.
  Matrix(Index rows, Index stride) : array_(product(rows, stride)), rows_(rows), stride_(stride) {}

  T* operator[](Index row) { return array_.data() + check(row) * stride_; }
  const T* operator[](Index row) const { return array_.data() + check(row) * stride_; }
  [[nodiscard]] const T* data() const { return array_.data(); }
  [[nodiscard]] Index rows() const { return rows_; }
  [[nodiscard]] Index stride() const { return stride_; }
  void fill(T value) { array_.fill(value); }

 private:
  static Index product(Index rows, Index stride) {
    Index size = 0;
    if (rows < 0 || stride < 0 || __builtin_mul_overflow(rows, stride, &size)) {
      throw std::bad_alloc();
    }
    return size;
  }

  [[nodiscard]] Index check(Index row) const {
#ifdef NNCE_CHECKED
    if (row < 0 || row >= rows_) std::abort();
#endif
    return row;
  }

  Array<T> array_;
  Index rows_ = 0;
  Index stride_ = 0;
};

}  // namespace nnce
