"""Published results and measurements: wiring of the library, no maths of their own."""
