"""What a source's own list of the day says, and when operators were told that trouble is over."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('newsletter', '0080_paper_standing'),
    ]

    operations = [
        migrations.AddField(
            model_name='sourceday',
            name='over_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='told that it is over'),
        ),
        migrations.AddField(
            model_name='sourceday',
            name='checked_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='own list read'),
        ),
        migrations.AddField(
            model_name='sourceday',
            name='bulletin_day',
            field=models.DateField(blank=True, null=True, verbose_name='day of its own list'),
        ),
        migrations.AddField(
            model_name='sourceday',
            name='lacking',
            field=models.PositiveIntegerField(default=0, help_text="Papers that the source's own list of the day has and that never came.", verbose_name='lacking'),
        ),
    ]
