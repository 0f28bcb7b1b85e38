"""From a folder of images to a sweep file that fits it: what ``steadysweep init`` sees, says, proposes and writes."""
