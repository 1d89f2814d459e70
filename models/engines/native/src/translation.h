// The network of a model, its gates and its tapes, for the translation in Python.
#pragma once
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "layers.h"
#include "schedule.h"

namespace py = pybind11;

template <typename T> using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

template <typename T> std::vector<T> list(const Array<T> &a) { return std::vector<T>(a.data(), a.data() + a.size()); }

using Pairs = std::vector<std::pair<Literal, i64>>;

static Pairs pairs(const std::vector<Weighted> &weighted) {
  Pairs found;
  for (const Weighted &t : weighted) found.emplace_back(t.literal, t.weight);
  return found;
}

static Matrix matrix(const Array<i32> &start, const Array<i32> &columns, const Array<i64> &values) {
  return Matrix{list(start), list(columns), list(values)};
}

// An operation and its literals, or None for an input.
static py::object shown(const Node &n) {
  if (n.operation == INPUT) return py::none();
  return py::make_tuple(n.operation, n.arguments[0], n.arguments[1], n.arguments[2]);
}

static void bind_network(py::module_ &m) {
  m.attr("OPERATIONS") = py::make_tuple("AND", "ANDN", "NOR", "XOR", "MAJ", "MAJN", "XOR3");  // by their numbers
  py::class_<Network>(m, "Network", py::module_local())
      .def("input", &Network::input)
      .def("both", &Network::both)
      .def("either", &Network::either)
      .def("every", &Network::every)
      .def("some", &Network::some)
      .def("xor", &Network::xor_)
      .def("xor3", &Network::xor3)
      .def("majority", &Network::majority)
      .def("inputs_of", &Network::inputs_of)
      .def_property_readonly("size", [](const Network &n) { return n.nodes.size(); })
      .def_property_readonly("nodes", [](const Network &n) {
        py::list found;
        for (const Node &node : n.nodes) found.append(shown(node));
        return found;
      });
}

static void bind_forms(py::module_ &m) {
  py::class_<Form>(m, "Form", py::module_local())
      .def(py::init([](i64 constant) { return Form{{}, constant}; }), py::arg("constant") = 0)
      .def("add", &Form::add, py::arg("literal"), py::arg("weight") = 1)
      .def("plus", &Form::plus, py::arg("other"), py::arg("weight") = 1)
      .def("copy", [](const Form &form) { return form; })
      .def("shifted", &Form::shifted)
      .def("negated", &Form::negated)
      .def("divided", &Form::divided)
      .def_readwrite("constant", &Form::constant)
      .def_property_readonly("terms", [](const Form &form) { return pairs(form.terms); })
      .def("range", [](const Form &form) {
        const Range found = form.range();
        return std::make_pair(found.low, found.high);
      });
  py::class_<Matrix>(m, "Matrix", py::module_local()).def(py::init(&matrix));
  py::class_<Stream>(m, "Stream", py::module_local())
      .def(py::init([](const std::vector<i64> &constants) {
        Stream made;
        for (i64 constant : constants) made.columns.push_back(Form{{}, constant});
        return made;
      }))
      .def("copy", [](const Stream &stream) { return stream; })
      .def("without", &Stream::without)
      .def("times", &Stream::times)
      .def("__getitem__", [](const Stream &stream, size_t column) { return stream.columns.at(column); })
      .def("__setitem__", [](Stream &stream, size_t column, const Form &form) { stream.columns.at(column) = form; })
      .def("shift", [](Stream &stream, size_t column, i64 by) { stream.columns.at(column).constant += by; })
      .def("add", [](Stream &stream, size_t column, Literal literal, i64 weight) { stream.columns.at(column).add(literal, weight); });
}

static void bind_gates(py::module_ &m) {
  py::class_<Gates>(m, "Gates", py::module_local())
      .def(py::init())
      .def_readonly("network", &Gates::network)
      .def_readwrite("about", &Gates::about)
      .def("refuse", &Gates::refuse)
      .def("taken_faults", [](Gates &gates) { return std::exchange(gates.faults, {}); })
      .def("number", &Gates::number)
      .def("weighted", [](Gates &gates, const Form &form) { return pairs(gates.weighted(form)); })
      .def("at_least", &Gates::at_least, py::arg("form"), py::arg("bound") = 0)
      .def("within", &Gates::within)
      .def("relu", &Gates::relu)
      .def("bit", &Gates::bit)
      .def("column", [](Gates &gates, const Form &form, bool wide) { return pairs(gates.column(form, wide)); })
      .def("through", [](Gates &gates, const Stream &stream, const Matrix &forms, const Array<u8> &complete, const Array<i32> &form_of,
                         const Array<i32> &first_unit, const Array<i64> &bias, const Array<i64> &sign, const Matrix &writes) {
        return Mlp{forms, list(complete), list(form_of), list(first_unit), list(bias), list(sign), writes}.after(stream, gates);
      });
}

// faults, places: as in `Part` and `Schedule`.
static Tape tape(const Network &network, const Literals &kept, const std::vector<Literals> &outputs, const Literals &faults,
                 const Array<i32> &places) {
  return Schedule(network, Part{kept, outputs, faults}, list(places)).tape();
}

static void bind_translation(py::module_ &m) {
  py::register_local_exception_translator([](std::exception_ptr raised) {
    try {
      if (raised) std::rethrow_exception(raised);
    } catch (const Unsuitable &reason) {
      py::set_error(py::module_::import("lockstep.models.engines.session").attr("Unsuitable"), reason.what());
    }
  });
  bind_network(m);
  bind_forms(m);
  bind_gates(m);
  py::class_<Tape>(m, "Tape", py::module_local()).def(py::init(&tape));
}
