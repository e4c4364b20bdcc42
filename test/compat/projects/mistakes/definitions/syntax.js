publish("x", {;
