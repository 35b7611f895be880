"""What has been written where: a few numbers for each picture, found without the pictures."""
