declare({ schema: "raw", name: "b" });
declare({ schema: "raw", name: "c", description: "From a program" });
