// What this processor can run. Compiled for the least of them, for it is asked before any other
// part of the core is loaded.
#include <nanobind/nanobind.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace nnce {
namespace {

#if defined(__x86_64__)

// The registers that CPUID writes.
struct Leaf {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// Return a leaf of CPUID, zeros where the processor has no such leaf.
Leaf leaf(unsigned number) {
  Leaf r;
  if (__get_cpuid_count(number, 0, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return Leaf{};
  return r;
}

// Return which registers the operating system saves when it switches threads.
unsigned saved_registers() {
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

constexpr bool has(unsigned word, unsigned bits) { return (word & bits) == bits; }

// The bits of each level as the x86-64 psABI lists them; one level includes those below.
int level() {
  constexpr unsigned kSse42 =
      bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT;
  constexpr unsigned kAvx = bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C | bit_MOVBE;
  constexpr unsigned kAvx2 = bit_AVX2 | bit_BMI | bit_BMI2;
  constexpr unsigned kAvx512 =
      bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
  constexpr unsigned kVectors = 0x06, kMasksAndWideVectors = 0xe0;
  const Leaf basic = leaf(1), more = leaf(7), extended = leaf(0x80000001);
  if (!has(basic.ecx, kSse42) || !has(extended.ecx, bit_LAHF_LM)) return 1;
  if (!has(basic.ecx, kAvx) || !has(more.ebx, kAvx2) || !has(extended.ecx, bit_LZCNT)) return 2;
  if (!has(saved_registers(), kVectors)) return 2;
  if (!has(more.ebx, kAvx512) || !has(saved_registers(), kMasksAndWideVectors)) return 3;
  return 4;
}

#else

int level() { return 0; }

#endif

}  // namespace

NB_MODULE(cpu, module) {
  module.doc() = "What this processor can run.";
  module.def("level", &level,
             "Return the level of the x86-64 psABI that this processor and system support, 1 to 4; "
             "0 on other processors.");
}

}  // namespace nnce
