"""Training, calibration and measurement from folders of labelled data."""
