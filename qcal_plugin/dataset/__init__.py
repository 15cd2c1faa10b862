"""From the dataset's source to prepared samples. Knows neither pytest nor HTTP endpoints."""
