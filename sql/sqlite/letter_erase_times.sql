UPDATE dead_letter_attempts SET message = '' WHERE dead_letter_id = $1
