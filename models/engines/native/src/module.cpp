// The decoders as a Python module. It is compiled for several kinds of CPUs, each under a name of its own.
#include "appending.h"
#include "decoder.h"
#include "positions.h"
#include "translation.h"

#ifndef NATIVE_SOURCES
#define NATIVE_SOURCES ""
#endif

using Integers = Array<i32>;

static Field field(const i32 *f) { return Field{f[0], f[1], f[2] >= 64 ? ~0ull : (1ull << f[2]) - 1}; }

template <typename T> static py::array_t<T> copy(const std::vector<u32> &values) {
  py::array_t<T> made((py::ssize_t)values.size());
  std::copy(values.begin(), values.end(), made.mutable_data());
  return made;
}

static void add_tape(Records &d, Tape tape, i32 first_kept) {
  tape.first_kept = first_kept;
  d.add(std::move(tape));
}

// fields: visible, key, care, recency, value; word, shift and bits of each. sums: as in Sums.
static size_t add_table(Records &d, size_t layer, const Integers &fields, const Array<u64> &cares, const Array<u64> &sums) {
  while (d.layers.size() <= layer) d.layers.push_back(std::make_unique<Lookups>());
  const i32 *f = fields.data();
  const int bits = f[5], care_bits = cares.size() > 1 ? 1 : 0;
  auto &tables = d.layers[layer]->tables;
  tables.push_back(Table{field(f), field(f + 3), field(f + 6), field(f + 9), field(f + 12), d.next_flag(), bits, list(cares),
                         Sums{sums.at(0), sums.at(1), sums.at(2)}, Buckets(bits + care_bits), Keys(d.most), {}, {}, {}});
  return tables.size() - 1;
}

// fields: asks, query.
static void add_head(Records &d, size_t layer, size_t table, const Integers &fields, int word, int shift, int bits, u64 sink) {
  Lookups &lookups = *d.layers[layer];
  Table &t = lookups.tables[table];
  const i32 *f = fields.data();
  t.heads.push_back((int)lookups.heads.size());
  lookups.heads.push_back(Head{field(f), field(f + 3), d.next_flag(), word, shift, bits >= 64 ? ~0ull : (1ull << bits) - 1, sink,
                               {}});
}

// Bits of positions go into records. fields: [n, 4], see Placing.
static const Placing *placings(const Array<i64> &fields) { return reinterpret_cast<const Placing *>(fields.data()); }

static void place_packed(Records &d, const Array<u8> &values, const Array<i64> &fields) {
  const size_t bytes = (size_t)values.shape(1);
  const std::vector<Run> runs = runs_of(placings(fields), (size_t)fields.shape(0), bytes);
  place_bits(values.data(), d.most, bytes, runs, d.record(0), (size_t)d.words);
}

template <typename T> static void place_columns(Records &d, const Array<T> &values, const Array<i64> &fields) {
  place_numbers(values.data(), d.most, (size_t)values.shape(1), placings(fields), (size_t)fields.shape(0), d.record(0), (size_t)d.words);
}

template <typename D> static py::tuple outcomes(const D &d, const Array<i64> &rows) {
  const size_t n = (size_t)rows.size();
  py::array_t<i64> token((py::ssize_t)n);
  py::array_t<u8> bits((py::ssize_t)n);
  for (size_t i = 0; i < n; i++) {
    const Outcome found = d.outcome((u32)rows.data()[i]);
    token.mutable_data()[i] = found.token, bits.mutable_data()[i] = found.bits;
  }
  return py::make_tuple(token, bits);
}

// What both decoders have: how they are built, and what they have come to.
static void bind_records(py::module_ &m) {
  py::class_<Records>(m, "Records", py::module_local())
      .def("add_tape", add_tape)
      .def("add_table", add_table)
      .def("add_head", add_head)
      .def("place_bits", place_packed)
      .def("place_numbers", place_columns<u32>)  // pybind11 takes the one that needs no conversion
      .def("place_numbers", place_columns<double>)
      .def("changed", [](const Records &d) { return copy<i64>(d.changed); })
      .def("contexts", [](const Records &d) { return copy<i64>(d.contexts); })
      .def("tokens", [](py::object self) {  // as they are now; later steps edit them in place
        const Records &d = self.cast<const Records &>();
        return py::array_t<i64>({(py::ssize_t)d.length}, {(py::ssize_t)sizeof(i64)}, d.tokens.data(), self);
      })
      .def_readonly("length", &Records::length)
      .def_readonly("masks", &Records::masks)
      .def_readonly("grown", &Records::grown)
      .def_property_readonly("fault", [](const Records &d) { return py::make_tuple((int)d.fault, d.fault_tape, d.fault_plane); });
}

template <typename D> static void bind_decoder(py::module_ &m, const char *name) {
  py::class_<D, Records>(m, name, py::module_local())
      .def(py::init([](size_t rows, int words, int flags_word, int flags_bit, i32 mask, i32 first_kind, const Integers &offsets,
                       const Integers &bits, int most_bits, int controls, bool strict, bool every) {
        return new D(rows, words, flags_word, flags_bit, Vocabulary{mask, first_kind, list(offsets), list(bits), most_bits, controls, strict, every});
      }))
      .def("begin", [](D &d, const Array<i64> &tokens) { d.begin(tokens.data(), (size_t)tokens.size()); })
      .def("update", [](D &d, const Array<i64> &rows, const Array<i64> &tokens) {
        d.update(rows.data(), (size_t)rows.size(), tokens.data(), (size_t)tokens.size());
      })
      .def("predict", &D::predict, py::call_guard<py::gil_scoped_release>())
      .def("step", &D::step)
      .def("decode", &D::decode, py::call_guard<py::gil_scoped_release>())
      .def("untold", [](D &d) { return copy<i64>(d.untold()); })
      .def("outcomes", outcomes<D>);
}

PYBIND11_MODULE(NATIVE_NAME, m) {
  m.attr("sources") = NATIVE_SOURCES;  // a hash of the sources that this module was compiled from
  bind_translation(m);
  py::enum_<Rule>(m, "Rule", py::module_local())
      .value("UNMASK", Rule::UNMASK)
      .value("EDIT", Rule::EDIT)
      .value("REVISE", Rule::REVISE)
      .value("APPEND", Rule::APPEND);
  bind_records(m);
  bind_decoder<Decoder>(m, "Decoder");
  bind_decoder<Appending>(m, "Appending");
}
